'use strict'

const { RTCPeerConnection, nonstandard } = require('@roamhq/wrtc')
const { serve } = require('./serve.js')

const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = nonstandard
const WIDTH = 320
const HEIGHT = 240
/** libwebrtc's audio comes in blocks of 10 ms. */
const SAMPLES = 480

const counts = { audio: 0, video: 0 }
/** Milliseconds between two decoded frames of video: when the last one was, and the most that passed. */
const gap = { last: 0, longest: 0 }
const messages = []
const timers = []
/** Kept, as they stop when they are collected. */
const sinks = []
let channel

const connection = new RTCPeerConnection({ iceServers: [] })

connection.ontrack = ({ track }) => {
  if (track.kind === 'video') {
    const sink = new RTCVideoSink(track)
    sink.onframe = ({ frame }) => {
      if (frame.width === 0) return
      counts.video++
      noteGap()
    }
    sinks.push(sink)
  } else {
    const sink = new RTCAudioSink(track)
    sink.ondata = ({ samples }) => {
      if (samples.some(sample => Math.abs(sample) > 500)) counts.audio++
    }
    sinks.push(sink)
  }
}

function noteGap() {
  const now = performance.now()
  gap.longest = Math.max(gap.longest, now - gap.last)
  gap.last = now
}

function addCamera() {
  const source = new RTCVideoSource()
  connection.addTrack(source.createTrack())
  let step = 0
  timers.push(
    setInterval(() => {
      const data = new Uint8ClampedArray(WIDTH * HEIGHT * 1.5)
      // A picture that moves, so that every frame is worth sending.
      for (let i = 0; i < data.length; i++) data[i] = (i + step * 7) & 0xff
      step++
      source.onFrame({ width: WIDTH, height: HEIGHT, data })
    }, 50)
  )
}

function addMicrophone() {
  const source = new RTCAudioSource()
  connection.addTrack(source.createTrack())
  let phase = 0
  timers.push(
    setInterval(() => {
      const samples = new Int16Array(SAMPLES)
      // 440 Hz at 48 kHz.
      for (let i = 0; i < SAMPLES; i++) samples[i] = 10_000 * Math.sin((phase++ * 2 * Math.PI * 440) / 48_000)
      source.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: SAMPLES })
    }, 10)
  )
}

async function local(description) {
  await connection.setLocalDescription(description)
  while (connection.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
  return connection.localDescription.sdp
}

serve({
  async start() {
    addMicrophone()
    addCamera()
    channel = connection.createDataChannel('chat')
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => messages.push(typeof data === 'string' ? data : Buffer.from(data))
    return local(await connection.createOffer())
  },
  acceptAnswer: sdp => connection.setRemoteDescription({ type: 'answer', sdp }),
  async acceptOffer(sdp) {
    await connection.setRemoteDescription({ type: 'offer', sdp })
    return local(await connection.createAnswer())
  },
  send(data) {
    channel.send(data)
  },
  report() {
    // What was decoded and played says nothing of single frames.
    return { audio: { frames: counts.audio }, video: { frames: counts.video }, messages }
  },
  /** The longest time without a frame since this was asked last. */
  takeLongestGap() {
    // A frame that is still missing counts.
    const longest = Math.max(gap.longest, performance.now() - gap.last)
    gap.longest = 0
    return longest
  },
  stopSending() {
    timers.forEach(clearInterval)
  }
})
