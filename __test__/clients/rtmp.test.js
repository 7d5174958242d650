'use strict'

/** What real encoders push by RTMP, up to what Chromium makes of it. */

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { test } = require('node:test')
const { chromium } = require('../support/clients/browser/launch.js')
const { withBrowser } = require('../support/clients/browser/suite.js')
const { nextEvent, until, within } = require('../support/events.js')
const { BEEPS, FLASHES, skew, watch } = require('../support/flashes.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const there = (command, ...args) => spawnSync(command, args).status === 0
const ffmpeg = there('ffmpeg', '-version') ? null : 'there is no ffmpeg here'
const gstreamer = ['rtmp2sink', 'x264enc', 'voaacenc'].every(element => there('gst-inspect-1.0', '--exists', element))
  ? null
  : 'there is no GStreamer with rtmp2sink, x264enc and voaacenc here'

function check(name, missing, run) {
  if (missing) return test(`${name} (skipped: ${missing})`, { skip: true })
  test(name, { timeout: 60_000 }, run)
}

const NO_B_FRAMES = ['-tune', 'zerolatency']
const B_FRAMES = ['-bf', '2', '-x264-params', 'b-adapt=0']

/** Pushes in real time until it is killed. */
function push(t, url, { x264 = NO_B_FRAMES, gop = 30 } = {}) {
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', ...x264, '-g', String(gop), '-pix_fmt', 'yuv420p']
  const args = ['-v', 'error', '-re', ...FLASHES, '-re', ...BEEPS, ...video, '-c:a', 'aac', '-f', 'flv', url]
  const encoder = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  encoder.said = ''
  encoder.stderr.on('data', data => {
    encoder.said += data
  })
  t.after(() => encoder.kill('SIGKILL'))
  return encoder
}

async function server(endpoint, options) {
  const made = await endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret', ...options })
  return { made, url: `rtmp://127.0.0.1:${made.port}/live/secret` }
}

/** An input with its tracks, when both are there. */
async function tracks(made, kinds = ['audio', 'video']) {
  const [input] = await nextEvent(made, 'input', 20_000)
  await until(() => kinds.every(kind => input.tracks.some(track => track.kind === kind)), 'tracks', 20_000)
  return { input, ...Object.fromEntries(input.tracks.map(track => [track.kind, track])) }
}

const meet = withBrowser(chromium)

check('ffmpeg: Chromium sees and hears what is pushed, in step', ffmpeg ?? chromium.missing, async t => {
  const { endpoint, page } = await meet(t)
  const { made, url } = await server(endpoint)
  push(t, url)
  const { input, ...sources } = await tracks(made)
  assert.equal(input.metadata.width, 320)
  await watch(page, endpoint, sources)
  // Players take a few seconds to bring sound and picture together.
  const offset = await until(
    async () => {
      const found = skew(await page.evaluate(() => globalThis.moments), 3)
      return found !== null && Math.abs(found) <= 60 && { found }
    },
    'beeps within 60 ms of their flashes',
    30_000
  )
  t.diagnostic(`beeps come ${offset.found} ms behind flashes`)
})

check('a viewer who comes between two keyframes has a picture at once', ffmpeg ?? chromium.missing, async t => {
  const { endpoint, page } = await meet(t)
  const { made, url } = await server(endpoint)
  // A keyframe every ten seconds.
  push(t, url, { gop: 300 })
  const { input, ...sources } = await tracks(made)
  await until(async () => (await input.getStats()).video.frames > 90, 'three seconds of pictures', 20_000)
  const transport = await watch(page, endpoint, sources)
  await until(() => transport.state === 'connected', 'the connection', 20_000)
  const connected = performance.now()
  await until(() => page.evaluate(() => globalThis.moments.frames > 0), 'a picture')
  t.diagnostic(`the first picture was shown ${Math.round(performance.now() - connected)} ms after the connection`)
  const { video } = await input.getStats()
  assert.equal(video.keyframes, 1, 'there was no other keyframe to begin with')
})

check('ffmpeg with B-frames: the picture is left out and told of, and sound goes on', ffmpeg, async t => {
  const endpoint = await loopbackEndpoint(t)
  const { made, url } = await server(endpoint)
  push(t, url, { x264: B_FRAMES })
  const [input] = await nextEvent(made, 'input', 20_000)
  const [[warning], [track]] = await Promise.all([nextEvent(input, 'warning'), nextEvent(input, 'track')])
  assert.equal(warning.code, 'ERR_B_FRAMES')
  assert.equal(track.kind, 'audio')
})

check('ffmpeg with B-frames, mixed: the mixer decodes them in the order in which they are shown', ffmpeg, async t => {
  const endpoint = await loopbackEndpoint(t)
  const { made, url } = await server(endpoint, { bFrames: 'mix' })
  push(t, url, { x264: B_FRAMES })
  const { input, video } = await tracks(made)
  assert.ok(video.reordered)
  const stream = endpoint.createTransport({ iceLite: false }).createOutgoingStream({ video: 1 })
  assert.throws(() => stream.video[0].attachTo(video), { code: 'ERR_B_FRAMES' })
  const mixer = await endpoint.createMixer({ video: { width: 320, height: 240 } })
  const port = mixer.addPort().attachTo(video)
  const reader = port.createFrameReader({ format: 'rgba', frameRate: 30 })
  const lights = []
  for await (const { data } of reader) {
    lights.push(data[(120 * 320 + 160) * 4] > 128)
    if (lights.length > 60) break
  }
  // Two seconds of flashes that are not torn apart: each change of light is one, not a flicker.
  const changes = lights.filter((light, index) => index > 0 && light !== lights[index - 1]).length
  assert.ok(changes >= 2 && changes <= 5, `${changes} changes of light in two seconds`)
  input.close()
})

for (const sink of ['rtmp2sink', 'rtmpsink']) {
  check(`GStreamer's ${sink} publishes, and says when it is done`, gstreamer, async t => {
    const endpoint = await loopbackEndpoint(t)
    const { made, url } = await server(endpoint)
    const encoder = spawn(
      'gst-launch-1.0',
      [
        '-e',
        '-q',
        ...'videotestsrc is-live=true num-buffers=60 ! video/x-raw,width=320,height=240,framerate=30/1 !'.split(' '),
        ...'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 ! h264parse ! queue ! mux.'.split(' '),
        ...'audiotestsrc is-live=true num-buffers=86 ! audio/x-raw,rate=44100,channels=2 ! voaacenc ! aacparse ! queue ! mux.'.split(' '),
        ...`flvmux name=mux streamable=true ! ${sink} location=${url}`.split(' ')
      ],
      { stdio: 'ignore' }
    )
    t.after(() => encoder.kill('SIGKILL'))
    const ended = once(encoder, 'exit')
    const { input } = await tracks(made)
    await until(async () => (await input.getStats()).video.frames > 20, 'pictures', 20_000)
    assert.equal((await input.getStats()).audio.framesDropped, 0)
    const [reason] = await nextEvent(input, 'closed', 20_000)
    assert.equal(reason, 'remote')
    assert.equal((await within(20_000, ended, 'the end of GStreamer'))[0], 0)
  })
}

check('ffmpeg says that it was refused', ffmpeg, async t => {
  const endpoint = await loopbackEndpoint(t)
  const { url } = await server(endpoint)
  const encoder = push(t, url.replace('secret', 'wrong'))
  const [status] = await within(20_000, once(encoder, 'exit'), 'the end of ffmpeg')
  assert.notEqual(status, 0)
  assert.match(encoder.said, /not authorized/)
})

check('ffmpeg takes what is pushed to it, and finds pictures of the right size', ffmpeg, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ video: { width: 320, height: 180, codecs: ['h264'] } })
  mixer.addPort({ label: 'Ada' })
  const port = await freePort()
  const url = `rtmp://127.0.0.1:${port}/live/secret`
  const receiver = spawn(
    'ffmpeg',
    ['-v', 'info', '-analyzeduration', '500000', '-listen', '1', '-i', url, '-frames:v', '20', '-f', 'null', '-'],
    {
      stdio: ['ignore', 'ignore', 'pipe']
    }
  )
  t.after(() => receiver.kill('SIGKILL'))
  let said = ''
  receiver.stderr.on('data', data => {
    said += data
  })
  const ended = once(receiver, 'exit')
  // It says nothing when it listens.
  const output = await until(() => endpoint.createRtmpOutput(url, { video: mixer.video }).catch(() => null), 'ffmpeg', 20_000)
  output.on('error', () => {})
  assert.equal((await within(30_000, ended, 'the end of ffmpeg'))[0], 0, said)
  assert.match(said, /Video: h264[^\n]*320x180/)
  assert.match(said, /frame= *20/)
})

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
