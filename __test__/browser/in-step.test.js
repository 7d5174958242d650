'use strict'

/**
 * Whether sound and picture of the mix stay in step: a camera that flashes while it beeps, seen and
 * heard forwarded and mixed by one page. What capture, encoders and players add to either is in
 * both, so that the difference is what the mixer adds.
 */

const { after, before, test } = require('node:test')
const { Fixture, eventually } = require('./fixture.js')

const FLASHES = 12
/** Milliseconds. */
const IN_STEP = 40

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start()
})
after(() => fixture.stop())

/** White and loud for 300 ms of every second. */
async function flash() {
  const context = new AudioContext()
  const [tone, gain] = [context.createOscillator(), context.createGain()]
  const sound = context.createMediaStreamDestination()
  gain.gain.value = 0
  tone.connect(gain).connect(sound)
  tone.start()
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 })
  const picture = canvas.getContext('2d')
  let step = 0
  setInterval(() => {
    const on = context.currentTime % 1 < 0.3
    gain.gain.value = on ? 0.5 : 0
    picture.fillStyle = on ? '#fff' : `rgb(0, 0, ${step++ % 40})`
    picture.fillRect(0, 0, 320, 180)
  }, 10)
  const peer = new RTCPeerConnection()
  const stream = canvas.captureStream(25)
  stream.addTrack(sound.stream.getAudioTracks()[0])
  for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
  await globalThis.offerTo('/whip/step?peer=Ada', peer)
}

/** Plays by WHEP and keeps the moments at which a flash was seen and a beep was heard. */
async function watch(url) {
  const peer = new RTCPeerConnection()
  const tracks = ['audio', 'video'].map(kind => peer.addTransceiver(kind, { direction: 'recvonly' }).receiver.track)
  const stream = new MediaStream(tracks)
  const moments = { seen: [], heard: [] }
  const video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true })
  document.body.append(video)
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
  const source = `registerProcessor('beeps', class extends AudioWorkletProcessor {
    quiet = 0
    process([[samples]]) {
      const loud = samples?.some(sample => Math.abs(sample) > 0.1)
      if (loud && this.quiet > 40) this.port.postMessage(currentTime)
      this.quiet = loud ? 0 : this.quiet + 1
      return true
    }
  })`
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
  const beeps = new AudioWorkletNode(context, 'beeps')
  beeps.port.onmessage = ({ data }) => moments.heard.push(performance.now() - (context.currentTime - data) * 1000)
  context.createMediaStreamSource(stream).connect(beeps)
  await globalThis.offerTo(url, peer)
  void video.play().catch(() => {})
  return moments
}

/** How much later beeps come than flashes: the middle of the last that were seen and heard. */
function skew({ seen, heard }) {
  const pairs = seen.flatMap(flash => {
    const beep = heard.find(moment => Math.abs(moment - flash) < 400)
    return beep === undefined ? [] : [beep - flash]
  })
  const last = pairs.slice(-FLASHES).sort((a, b) => a - b)
  return last.length < FLASHES ? null : Math.round(last[FLASHES / 2])
}

test('sound and picture of the mix are as much in step as those that are forwarded', async t => {
  const publisher = await fixture.blankPage()
  await publisher.evaluate(`(${flash})()`)
  const player = await fixture.blankPage()
  await player.evaluate(`globalThis.watched = ['/whep/step', '/whep/step?source=mix'].map(${watch})`)
  // Players take their time to get in step, more of it on a machine that has other things to do.
  const [forwarded, mixed] = await eventually(
    async () => (await player.evaluate(() => Promise.all(globalThis.watched))).map(skew),
    ([forwarded, mixed]) => forwarded !== null && mixed !== null && Math.abs(mixed - forwarded) <= IN_STEP,
    `beeps no further behind flashes when mixed than when forwarded, but for ${IN_STEP} ms`,
    60_000
  )
  t.diagnostic(`beeps come ${forwarded} ms behind flashes when forwarded, ${mixed} ms when mixed`)
})
