'use strict'

/** VLC sends plain RTP: one payload type for sound and pictures, and packets of 1,400 bytes. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { until } = require('../support/events.js')
const { QUIET, folder, missing, pattern, run } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const NOBODY = 65_534
const skipped = missing.vlc ?? missing.ffmpeg

test(`VLC: sends a file${skipped ? ` (skipped: ${skipped})` : ''}`, { skip: Boolean(skipped), timeout: 60_000 }, async t => {
  const where = folder(t)
  const file = path.join(where, 'clip.mkv')
  const { inputs, video, audio } = pattern({ bitrate: '2M', size: '640x360' })
  const live = inputs.filter(word => word !== '-re')
  const made = spawnSync('ffmpeg', [...QUIET, ...live, ...video, ...audio, '-t', '8', file], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({
    audio: { codecs: [{ name: 'opus', payloadType: 96 }] },
    video: { codecs: [{ name: 'h264', payloadType: 96 }] }
  })
  const [sound, pictures] = transport.ports
  // It does not run for root.
  const options = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY, env: { ...process.env, HOME: where } } : {}
  const told = run(
    t,
    'cvlc',
    [
      '-I',
      'dummy',
      file,
      '--sout',
      `#rtp{dst=127.0.0.1,port-audio=${sound.port},port-video=${pictures.port}}`,
      '--sout-all',
      '--sout-keep',
      'vlc://quit'
    ],
    options
  )
  await until(
    async () => {
      const { incomingTracks } = await transport.getStats()
      const flowing = incomingTracks.every(({ encodings }) => encodings[0]?.packetsReceived > 20)
      if (!flowing && told.child.exitCode !== null) throw new Error(told.text)
      return flowing
    },
    'sound and pictures of VLC',
    20_000
  )
  const { incomingTracks } = await transport.getStats()
  assert.deepEqual(
    incomingTracks.map(({ encodings: [{ codec }] }) => codec),
    ['opus', 'h264']
  )
})
