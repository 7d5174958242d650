'use strict'

/** VLC sends plain RTP: one payload type for sound and pictures, and packets of 1,400 bytes. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { until } = require('../support/events.js')
const { QUIET, folder, missing, pattern, run } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const NOBODY = 65_534

/** It does not run for root. */
function asNobody(home) {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY, env: { ...process.env, HOME: home } } : {}
}

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
  const options = asNobody(where)
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

/** A port that is free, as what plays binds it itself. */
async function freePort(endpoint, options) {
  const free = await endpoint.createRtpTransport(options)
  const [{ port }] = free.ports
  await free.close()
  return port
}

test(
  `VLC: plays sound that is sent to it${skipped ? ` (skipped: ${skipped})` : ''}`,
  { skip: Boolean(skipped), timeout: 60_000 },
  async t => {
    const where = folder(t)
    if (process.getuid?.() === 0) fs.chownSync(where, NOBODY, NOBODY)
    const endpoint = await loopbackEndpoint(t)
    // Debian's is built without live555, by which it reads an SDP: then it knows what has a number for all times (RFC 3551 6).
    const PCMU = { codecs: [{ name: 'pcmu' }] }
    const source = await endpoint.createRtpTransport({ audio: PCMU })
    const tone = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=8000', '-c:a', 'pcm_mulaw', '-ac', '1']
    run(t, 'ffmpeg', [...QUIET, ...tone, '-f', 'rtp', `rtp://127.0.0.1:${source.ports[0].port}`])
    const port = await freePort(endpoint, { audio: PCMU })
    const sink = await endpoint.createRtpTransport({ audio: { ...PCMU, direction: 'sendonly', remote: { address: '127.0.0.1', port } } })
    sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
    const played = path.join(where, 'played.wav')
    const sout = `#transcode{acodec=s16l}:std{access=file,mux=wav,dst=${played}}`
    const told = run(t, 'cvlc', ['-I', 'dummy', `rtp://@127.0.0.1:${port}`, '--sout', sout], asNobody(where))
    await until(
      () => {
        if (told.child.exitCode !== null) throw new Error(told.text)
        return fs.existsSync(played) && fs.statSync(played).size > 20_000
      },
      'a second that VLC wrote',
      30_000
    )
    const samples = fs.readFileSync(played).subarray(44)
    const loudest = Math.max(...Array.from({ length: 4000 }, (_, index) => samples.readInt16LE(8000 + 2 * index)))
    assert.ok(loudest > 1000 && loudest < 10_000, `a tone: ${loudest}`)
  }
)
