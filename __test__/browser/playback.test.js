'use strict'

/** What Chromium sees and hears of a file that is played: its pictures, its sound, and both at once. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { Endpoint } = require('../..')
const { AAC, H264, OPUS, PICTURE, VP8, folder, makeFile } = require('../support/media-files.js')
const { needing } = require('../support/players.js')
const { Fixture, eventually } = require('./fixture.js')

const FLASHES = 5
/** Milliseconds, of a busy machine. */
const IN_STEP = 120
/** White and loud for 300 ms of every second. */
const FLASH = "drawbox=c=white:t=fill:enable='lt(mod(t,1),0.3)'"
const BEEP = "volume=0:enable='gte(mod(t,1),0.3)'"

/** @type {Fixture} */
let fixture
/** @type {import('../..').Endpoint} */
let endpoint
before(async () => {
  fixture = await Fixture.start()
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
})
after(async () => {
  await endpoint.close()
  await fixture.stop()
})
afterEach(async () => {
  await fixture.clear()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

/** In the page: offers to receive, and keeps the moments at which a flash was seen and a beep was heard. */
async function offer() {
  const peer = (globalThis.peer = new RTCPeerConnection())
  const tracks = ['audio', 'video'].map(kind => peer.addTransceiver(kind, { direction: 'recvonly' }).receiver.track)
  const stream = new MediaStream(tracks)
  const moments = (globalThis.moments = { seen: [], heard: [] })
  const video = (globalThis.video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true }))
  document.body.append(video)
  void video.play().catch(() => {})
  const picture = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true })
  let bright = true
  const look = (_, { expectedDisplayTime }) => {
    picture.drawImage(video, 0, 0, 8, 8)
    const was = bright
    bright = picture.getImageData(4, 4, 1, 1).data[0] > 128
    if (bright && !was) moments.seen.push(expectedDisplayTime)
    video.requestVideoFrameCallback(look)
  }
  video.requestVideoFrameCallback(look)
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 256
  context.createMediaStreamSource(stream).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  let loud = true
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    const was = loud
    loud = samples.some(sample => Math.abs(sample) > 0.05)
    if (loud && !was) moments.heard.push(performance.now())
  }, 4)
  await peer.setLocalDescription()
  await new Promise(resolve => {
    if (peer.iceGatheringState === 'complete') resolve()
    else peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve())
  })
  return peer.localDescription.sdp
}

/** A page that watches a player. */
async function watch(player) {
  const page = await fixture.blankPage()
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
  stream.audio[0].attachTo(player.audio)
  stream.video[0].attachTo(player.video)
  const answer = await transport.acceptOffer(await page.evaluate(offer))
  await page.evaluate(sdp => globalThis.peer.setRemoteDescription({ type: 'answer', sdp }), answer)
  return page
}

/** What it decoded so far. @param {import('playwright-core').Page} page */
const decoded = page =>
  page.evaluate(async () => {
    const stats = [...(await globalThis.peer.getStats()).values()].filter(stat => stat.type === 'inbound-rtp')
    const of = kind => stats.find(stat => stat.kind === kind)
    const { videoWidth: width, videoHeight: height } = globalThis.video
    return { width, height, frames: of('video')?.framesDecoded ?? 0, samples: of('audio')?.totalSamplesReceived ?? 0 }
  })

/** How much later beeps come than flashes: the middle of the last that were seen and heard. */
function skew({ seen, heard }) {
  const pairs = seen.flatMap(flash => {
    const beep = heard.find(moment => Math.abs(moment - flash) < 400)
    return beep === undefined ? [] : [beep - flash]
  })
  const last = pairs.slice(-FLASHES).toSorted((a, b) => a - b)
  return last.length < FLASHES ? null : Math.round(last[FLASHES >> 1])
}

for (const [name, video, audio] of [
  ['VP8 and Opus of a WebM', VP8, OPUS],
  ['H264 and AAC of an MP4', H264, AAC]
]) {
  test(...needing(['ffmpeg'], `${name} are seen and heard, together`), async t => {
    const file = makeFile(folder(t), name.includes('WebM') ? 'flash.webm' : 'flash.mp4', {
      video: ['-vf', `lutyuv=y=16,${FLASH}`, ...video],
      audio: ['-af', BEEP, ...audio],
      seconds: 6
    })
    const player = await endpoint.createPlayer(file, { loop: true })
    const page = await watch(player)
    player.play()
    const now = await eventually(
      () => decoded(page),
      now => now.frames > 25 && now.samples > 24_000,
      'pictures and sound'
    )
    assert.deepEqual([now.width, now.height], [PICTURE.width, PICTURE.height])
    // Players take their time to get in step, more of it on a machine that has other things to do.
    const apart = await eventually(
      async () => skew(await page.evaluate(() => globalThis.moments)),
      apart => apart !== null && Math.abs(apart) <= IN_STEP,
      'beeps and flashes together',
      40_000
    )
    t.diagnostic(`beeps come ${apart} ms behind flashes`)
    await player.close()
  })
}

test('what a browser recorded is played to another one', async () => {
  const recording = await (
    await fixture.blankPage()
  ).evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 })
    const picture = canvas.getContext('2d')
    let step = 0
    const timer = setInterval(() => {
      picture.fillStyle = `hsl(${step++ * 7}, 80%, 50%)`
      picture.fillRect(0, 0, 320, 240)
    }, 40)
    const context = new AudioContext()
    const tone = context.createOscillator()
    const sound = context.createMediaStreamDestination()
    tone.connect(sound)
    tone.start()
    const stream = canvas.captureStream(25)
    stream.addTrack(sound.stream.getAudioTracks()[0])
    const recorder = new MediaRecorder(stream, { mimeType: 'video/webm;codecs=vp8,opus' })
    const pieces = []
    recorder.ondataavailable = ({ data }) => pieces.push(data)
    const stopped = new Promise(resolve => {
      recorder.onstop = resolve
    })
    recorder.start(500)
    setTimeout(() => recorder.stop(), 2500)
    await stopped
    clearInterval(timer)
    return [...new Uint8Array(await new Blob(pieces).arrayBuffer())]
  })
  const player = await endpoint.createPlayer(Buffer.from(recording), { loop: true })
  assert.deepEqual([player.video.codecs, player.audio.codecs, player.duration], [['vp8'], ['opus'], null])
  const page = await watch(player)
  player.play()
  const now = await eventually(
    () => decoded(page),
    now => now.frames > 25 && now.samples > 24_000,
    'pictures and sound'
  )
  assert.deepEqual([now.width, now.height], [320, 240])
  await player.close()
})

test(...needing(['ffmpeg'], 'who comes late sees the file at once, though its only keyframe was long ago'), async t => {
  const video = [...VP8, '-g', '1000', '-keyint_min', '1000', '-b:v', '100k']
  const file = makeFile(folder(t), 'one-keyframe.webm', { video, audio: OPUS, seconds: 12 })
  const player = await endpoint.createPlayer(file)
  player.play()
  await sleep(3000)
  const page = await watch(player)
  const now = await eventually(
    () => decoded(page),
    now => now.frames > 5,
    'pictures'
  )
  assert.equal(now.width, PICTURE.width)
  assert.equal(player.ended, false)
  // While time stands still nothing else comes, and it is the same.
  player.pause()
  const late = await watch(player)
  await eventually(
    () => decoded(late),
    now => now.frames > 5,
    'the picture that stands'
  )
  await player.close()
})
