'use strict'

/** What real encoders push by SRT, up to what Chromium makes of it, and who takes what is sent. */

const assert = require('node:assert/strict')
const dgram = require('node:dgram')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { test } = require('node:test')
const { chromium } = require('../support/clients/browser/launch.js')
const { withBrowser } = require('../support/clients/browser/suite.js')
const { nextEvent, until, within } = require('../support/events.js')
const { BEEPS, FLASHES, skew, watch } = require('../support/flashes.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { lossyRelay } = require('../support/srt.js')

const there = (command, ...args) => spawnSync(command, args).status === 0
const speaksSrt = /^ *srt$/m.test(String(spawnSync('ffmpeg', ['-v', 'quiet', '-protocols']).stdout))
const ffmpeg = speaksSrt ? null : 'there is no ffmpeg with SRT here'
// It says its version with a status of its own.
const transmit = spawnSync('srt-live-transmit', ['-version']).error ? 'there is no srt-live-transmit here' : ffmpeg
const gstreamer = ['srtsink', 'srtsrc', 'x264enc', 'opusenc', 'mpegtsmux', 'tsdemux'].every(element =>
  there('gst-inspect-1.0', '--exists', element)
)
  ? null
  : 'there is no GStreamer with SRT and x264enc here'
/** ffmpeg takes it out of the URL as it is there. */
const PASSPHRASE = 'a-passphrase-of-ours'

function check(name, missing, run) {
  if (missing) return test(`${name} (skipped: ${missing})`, { skip: true })
  test(name, { timeout: 120_000 }, run)
}

/** A program that is gone when the test is, and what it says. */
function run(t, program, args, stdio = ['ignore', 'pipe', 'pipe']) {
  const child = spawn(program, args, { stdio })
  child.said = ''
  for (const stream of [child.stderr, stdio[1] === 'pipe' ? child.stdout : null]) {
    stream?.on('data', data => {
      child.said += data.toString('latin1').slice(0, 10_000)
    })
  }
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** ffmpeg fills a datagram before it sends it, so that there has to be something in the pictures. */
const NOISY = FLASHES.map(word => (word.startsWith('color=') ? `${word},noise=alls=15:allf=t` : word))
const VIDEO = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '30', '-pix_fmt', 'yuv420p']
const ENCODED = ['-v', 'error', '-re', ...NOISY, '-re', ...BEEPS, ...VIDEO, '-c:a', 'aac', '-pes_payload_size', '0', '-f', 'mpegts']
const B_FRAMES = ENCODED.flatMap(word =>
  word === '-tune' ? ['-bf'] : word === 'zerolatency' ? ['2', '-x264-params', 'b-adapt=0'] : [word]
)

async function server(t, options = {}) {
  const endpoint = options.endpoint ?? (await loopbackEndpoint(t))
  const made = await endpoint.createSrtServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret', ...options.server })
  return { endpoint, made }
}

/** An input with its tracks, when both are there. */
async function tracks(made) {
  const [input] = await nextEvent(made, 'input', 30_000)
  await until(() => input.tracks.length === 2, 'tracks', 30_000)
  return { input, ...Object.fromEntries(input.tracks.map(track => [track.kind, track])) }
}

const meet = withBrowser(chromium)

check('ffmpeg, encrypted: Chromium sees and hears what is pushed, in step', ffmpeg ?? chromium.missing, async t => {
  const { endpoint, page } = await meet(t)
  const { made } = await server(t, { endpoint, server: { passphrase: PASSPHRASE } })
  run(t, 'ffmpeg', [...ENCODED, `srt://127.0.0.1:${made.port}?streamid=live/secret&passphrase=${PASSPHRASE}&pbkeylen=32`])
  const { input, ...sources } = await tracks(made)
  assert.ok((await input.getStats()).link.encrypted)
  // What it made while it connected comes at once, and has to be behind it.
  await until(async () => (await input.getStats()).video.frames > 90, 'three seconds of pictures', 30_000)
  await watch(page, endpoint, sources)
  // Players take a few seconds to bring sound and picture together.
  const offset = await until(
    async () => {
      const found = skew(await page.evaluate(() => globalThis.moments), 3)
      return found !== null && Math.abs(found) <= 60 && { found }
    },
    'beeps within 60 ms of their flashes',
    70_000
  )
  t.diagnostic(`beeps come ${offset.found} ms behind flashes`)
})

check('srt-live-transmit over a link that loses one of twenty: what is lost comes again in time, and so do keys', transmit, async t => {
  const { made } = await server(t, { server: { latency: 1500, passphrase: PASSPHRASE } })
  const relay = await lossyRelay(t, made.port, { every: 20 })
  // 2 Mbit/s, so that there is something to lose.
  const pictures = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30', '-b:v', '2M']
  const args = [
    '-v',
    'error',
    '-re',
    ...pictures.slice(0, 4),
    '-re',
    ...BEEPS,
    ...VIDEO,
    ...pictures.slice(4),
    '-c:a',
    'aac',
    '-f',
    'mpegts',
    'pipe:1'
  ]
  const encoder = run(t, 'ffmpeg', args, ['ignore', 'pipe', 'ignore'])
  const sender = run(
    t,
    'srt-live-transmit',
    [
      '-q',
      'file://con',
      // Three keys in five seconds.
      `srt://127.0.0.1:${relay.port}?streamid=secret&passphrase=${PASSPHRASE}&kmrefreshrate=300&kmpreannounce=100`
    ],
    [encoder.stdout, 'ignore', 'pipe']
  )
  const { input } = await tracks(made)
  const warnings = []
  input.on('warning', warning => warnings.push(warning.message))
  await until(async () => (await input.getStats()).video.frames > 120, 'four seconds of pictures', 40_000)
  const { link } = await input.getStats()
  assert.ok(relay.lost > 10 && link.packetsRecovered > 5, `${relay.lost} lost, ${JSON.stringify(link)}, ${sender.said}`)
  t.diagnostic(`${link.packetsLost} of ${link.packetsReceived} packets did not come by themselves, ${link.packetsDropped} never`)
  assert.ok(link.packetsReceived > 600, `${link.packetsReceived} packets: two keys were renewed`)
  assert.deepEqual([link.packetsDropped, link.packetsUndecrypted, warnings], [0, 0, []])
})

check('ffmpeg says that it was refused: a wrong id, a wrong passphrase, and none', ffmpeg, async t => {
  const { made } = await server(t, { server: { passphrase: PASSPHRASE } })
  made.on('input', () => assert.fail('nobody is let in'))
  const ends = [`streamid=wrong&passphrase=${PASSPHRASE}`, 'streamid=secret&passphrase=another-passphrase', 'streamid=secret'].map(
    async query => {
      const encoder = run(t, 'ffmpeg', [...ENCODED, `srt://127.0.0.1:${made.port}?${query}`])
      const [status] = await within(40_000, once(encoder, 'exit'), 'the end of ffmpeg')
      assert.notEqual(status, 0)
      assert.match(encoder.said, /Connection (?:setup failure|rejected|was reset)|Input\/output error|rejected/i)
    }
  )
  await Promise.all(ends)
})

check('ffmpeg with B-frames: the picture is left out and told of, and sound goes on', ffmpeg, async t => {
  const { made } = await server(t)
  run(t, 'ffmpeg', [...B_FRAMES, `srt://127.0.0.1:${made.port}?streamid=secret`])
  const [input] = await nextEvent(made, 'input', 30_000)
  const [[warning], [track]] = await Promise.all([nextEvent(input, 'warning', 30_000), nextEvent(input, 'track', 30_000)])
  assert.equal(warning.code, 'ERR_B_FRAMES')
  assert.equal(track.kind, 'audio')
})

check("GStreamer's srtsink publishes H264 and Opus", gstreamer, async t => {
  const { made } = await server(t)
  const uri = `srt://127.0.0.1:${made.port}?streamid=secret`
  run(t, 'gst-launch-1.0', [
    '-q',
    ...'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 !'.split(' '),
    ...'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 ! h264parse ! queue ! mux.'.split(' '),
    ...'audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! opusparse ! queue ! mux.'.split(' '),
    ...`mpegtsmux name=mux alignment=7 ! srtsink uri=${uri}`.split(' ')
  ])
  const { input, video, audio } = await tracks(made)
  assert.deepEqual([video.codecs, video.width, audio.codecs], [['h264'], 320, ['opus']])
  await until(async () => (await input.getStats()).video.frames > 30, 'pictures', 30_000)
  const stats = await input.getStats()
  assert.deepEqual([stats.audio.framesDropped, stats.link.packetsDropped], [0, 0])
})

/** What ffmpeg pushes, to be sent on. */
async function stage(t) {
  const { endpoint, made } = await server(t)
  run(t, 'ffmpeg', [...ENCODED, `srt://127.0.0.1:${made.port}?streamid=secret`])
  const { audio, video } = await tracks(made)
  return { endpoint, sources: { audio, video } }
}

const TAKEN = ['-map', '0:v', '-map', '0:a', '-frames:v', '45', '-f', 'null', '-']

check('ffmpeg pulls from an output that listens, by one key after the other, and finds pictures and Opus', ffmpeg, async t => {
  const { endpoint, sources } = await stage(t)
  const output = await endpoint.createSrtOutput('srt://127.0.0.1:0', {
    ...sources,
    mode: 'listener',
    passphrase: PASSPHRASE,
    keyRefresh: 16
  })
  const url = `srt://127.0.0.1:${output.port}?passphrase=${PASSPHRASE}`
  const receiver = run(t, 'ffmpeg', ['-v', 'info', '-i', url, ...TAKEN])
  const [status] = await within(60_000, once(receiver, 'exit'), 'the end of ffmpeg')
  assert.equal(status, 0, receiver.said)
  assert.match(receiver.said, /Video: h264[^\n]*320x240/)
  assert.match(receiver.said, /Audio: opus/)
  await until(async () => (await output.getStats()).link.watchers === 0, 'nobody to be left')
})

check('ffmpeg that listens takes what an output calls it with', ffmpeg, async t => {
  const { endpoint, sources } = await stage(t)
  const port = await freePort()
  const receiver = run(t, 'ffmpeg', ['-v', 'info', '-i', `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`, ...TAKEN])
  const ended = once(receiver, 'exit')
  // It says nothing when it listens.
  const url = `srt://127.0.0.1:${port}`
  const encrypted = { passphrase: PASSPHRASE, keyLength: 32, keyRefresh: 16 }
  const output = await until(
    () => endpoint.createSrtOutput(url, { ...sources, streamId: 'stage', ...encrypted }).catch(() => null),
    'ffmpeg',
    40_000
  )
  output.on('error', () => {})
  assert.equal((await within(60_000, ended, 'the end of ffmpeg'))[0], 0, receiver.said)
  assert.match(receiver.said, /Video: h264[^\n]*320x240/)
})

check("GStreamer's srtsrc pulls from an output over a link that loses one of twenty", gstreamer, async t => {
  const { endpoint, sources } = await stage(t)
  const output = await endpoint.createSrtOutput('srt://127.0.0.1:0', { ...sources, mode: 'listener', latency: 1000 })
  const relay = await lossyRelay(t, output.port, { every: 20 })
  const receiver = run(t, 'gst-launch-1.0', [
    '-q',
    ...`srtsrc uri=srt://127.0.0.1:${relay.port} ! tsdemux ! h264parse ! avdec_h264 ! identity eos-after=30 ! fakesink`.split(' ')
  ])
  assert.equal((await within(60_000, once(receiver, 'exit'), 'the end of GStreamer'))[0], 0, receiver.said)
  assert.ok(relay.lost > 0)
})

async function freePort() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
