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
const H264 = { name: 'h264', payloadType: 96 }
const OPUS = { name: 'opus', payloadType: 97 }

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

test(
  `VLC: plays what is sent by our SDP${skipped ? ` (skipped: ${skipped})` : ''}`,
  { skip: Boolean(skipped), timeout: 60_000 },
  async t => {
    const where = folder(t)
    if (process.getuid?.() === 0) fs.chownSync(where, NOBODY, NOBODY)
    const endpoint = await loopbackEndpoint(t)
    const source = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] }, video: { codecs: [H264] } })
    const [sound, pictures] = source.ports.map(({ port }) => `rtp://127.0.0.1:${port}`)
    const { inputs, video, audio } = pattern({ gop: 15 })
    run(t, 'ffmpeg', [...QUIET, ...inputs, ...video, '-f', 'rtp', pictures, ...audio, '-f', 'rtp', '-payload_type', '97', sound])
    // Ports that are free, as what plays binds them.
    const free = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] }, video: { codecs: [H264] } })
    const remotes = free.ports.map(({ port }) => ({ address: '127.0.0.1', port }))
    await free.close()
    const sink = await endpoint.createRtpTransport({
      audio: { codecs: [OPUS], direction: 'sendonly', remote: remotes[0] },
      video: { codecs: [H264], direction: 'sendonly', remote: remotes[1] }
    })
    for (const outgoing of sink.outgoingTracks) outgoing.attachTo(source.incomingTracks.find(({ kind }) => kind === outgoing.kind))
    const [sdp, played] = ['played.sdp', 'played.ts'].map(name => path.join(where, name))
    fs.writeFileSync(sdp, sink.sdp)
    const told = run(t, 'cvlc', ['-I', 'dummy', sdp, '--sout', `#std{access=file,mux=ts,dst=${played}}`, '--sout-all'], asNobody(where))
    const probe = kind => {
      const args = [
        '-v',
        'error',
        '-select_streams',
        kind,
        '-count_packets',
        '-show_entries',
        'stream=codec_name,nb_read_packets',
        '-of',
        'csv=p=0'
      ]
      return spawnSync('ffprobe', [...args, played], { encoding: 'utf8' })
        .stdout.trim()
        .split(',')
    }
    await until(
      () => {
        if (told.child.exitCode !== null) throw new Error(told.text)
        if (!fs.existsSync(played) || fs.statSync(played).size < 50_000) return false
        const [[codec, frames], [sounds, packets]] = ['v', 'a'].map(probe)
        return codec === 'h264' && Number(frames) > 20 && sounds === 'opus' && Number(packets) > 20
      },
      'sound and pictures that VLC wrote',
      30_000
    )
  }
)
