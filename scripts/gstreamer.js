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

/** Of what the tests have as a camera. */
const RTSP_PACKAGES = [
  'python3-gi',
  'gir1.2-gst-rtsp-server-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly'
]

/** What the test clients are made of. */
const ELEMENTS = ['webrtcbin', 'nicesrc', 'dtlssrtpdec', 'srtpdec', 'rtpbin', 'opusenc', 'opusdec', 'vp8enc', 'vp8dec']

/** And the cameras. */
const RTSP_ELEMENTS = ['x264enc', 'x265enc', 'voaacenc', 'alawenc', 'rtph264pay', 'rtph265pay', 'rtpmp4gpay', 'rtppcmapay']

const PROBE = probe(['GstWebRTC', 'GstSdp'], ELEMENTS)
const RTSP_PROBE = probe(['GstRtspServer', 'GstRtsp'], RTSP_ELEMENTS)

/** A script that fails where a module or an element is missing. */
function probe(modules, elements) {
  return `
import gi
for module in '${modules.join(' ')}'.split():
    gi.require_version(module, '1.0')
from gi.repository import Gst, ${modules.join(', ')}
Gst.init(None)
missing = [name for name in '${elements.join(' ')}'.split() if not Gst.ElementFactory.find(name)]
raise SystemExit(' '.join(missing) or None)
`
}

/**
 * Path of a Python that has GStreamer with everything the test clients use, or `null`. The system's
 * comes first: a Python of the user's own does not see the packages of the distribution.
 */
function findGStreamer() {
  return findPython(PROBE)
}

/** The same with gst-rtsp-server. */
function findRtspServer() {
  return findPython(RTSP_PROBE)
}

function findPython(probe) {
  const pythons = [process.env.PYTHON, '/usr/bin/python3', findProgram('python3')]
  const usable = python => python && fs.existsSync(python) && spawnSync(python, ['-c', probe], { timeout: 60_000 }).status === 0
  return pythons.find(usable) ?? null
}

module.exports = { GSTREAMER_PACKAGES, RTSP_PACKAGES, findGStreamer, findRtspServer }
