'use strict'

const fs = require('node:fs')
const { spawnSync } = require('node:child_process')
const { findProgram } = require('../lib/native/toolchain.js')

/** Debian's names, which Ubuntu shares. */
const GSTREAMER_PACKAGES = [
  'python3-gi',
  'gir1.2-gst-plugins-bad-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-nice'
]

/** What the test clients are made of. */
const ELEMENTS = ['webrtcbin', 'nicesrc', 'dtlssrtpdec', 'srtpdec', 'rtpbin', 'opusenc', 'opusdec', 'vp8enc', 'vp8dec']

const PROBE = `
import gi
gi.require_version('GstWebRTC', '1.0')
gi.require_version('GstSdp', '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
missing = [name for name in '${ELEMENTS.join(' ')}'.split() if not Gst.ElementFactory.find(name)]
raise SystemExit(' '.join(missing) or None)
`

/**
 * Path of a Python that has GStreamer with everything the test clients use, or `null`. The system's
 * comes first: a Python of the user's own does not see the packages of the distribution.
 */
function findGStreamer() {
  const pythons = [process.env.PYTHON, '/usr/bin/python3', findProgram('python3')]
  const usable = python => python && fs.existsSync(python) && spawnSync(python, ['-c', PROBE], { timeout: 60_000 }).status === 0
  return pythons.find(usable) ?? null
}

module.exports = { GSTREAMER_PACKAGES, findGStreamer }
