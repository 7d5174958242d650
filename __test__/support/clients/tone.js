'use strict'

const { RTCPeerConnection, nonstandard } = require('@roamhq/wrtc')
const { serve } = require('./serve.js')

const { RTCAudioSink, RTCAudioSource } = nonstandard
/** libwebrtc's audio comes in blocks of 10 ms. */
const SAMPLES = 480
/** Amplitude of a tone that counts as heard. */
const AUDIBLE = 800

/** Sends one tone and tells which tones it hears, on how many tracks. */
const connection = new RTCPeerConnection({ iceServers: [] })
const sinks = []
/** When a tone was heard last, and since when without a pause of half a second. */
const heard = new Map()
let frequencies = []
let volume = 0

connection.ontrack = ({ track }) => {
  const sink = new RTCAudioSink(track)
  const index = sinks.push(sink) - 1
  sink.ondata = ({ samples, sampleRate }) => {
    const now = Date.now()
    for (const frequency of frequencies) {
      if (amplitude(samples, sampleRate, frequency) < AUDIBLE) continue
      const key = `${frequency}`
      const before = heard.get(key)
      const since = before && now - before.last < 500 ? before.since : now
      heard.set(key, { frequency, since, last: now, track: index })
    }
  }
}

/** Goertzel's algorithm. */
function amplitude(samples, sampleRate, frequency) {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate)
  let [last, before] = [0, 0]
  for (const sample of samples) [last, before] = [sample + factor * last - before, last]
  const power = last * last + before * before - factor * last * before
  return (2 * Math.sqrt(Math.max(power, 0))) / samples.length
}

async function local(description) {
  await connection.setLocalDescription(description)
  while (connection.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
  return connection.localDescription.sdp
}

serve({
  async start(frequency) {
    const source = new RTCAudioSource()
    connection.addTrack(source.createTrack())
    let phase = 0
    const started = process.hrtime.bigint()
    let sent = 0
    // As many blocks as time has passed for, however late the timer is.
    setInterval(() => {
      const due = Number((process.hrtime.bigint() - started) / 10_000_000n)
      for (; sent < due; sent++) {
        const samples = new Int16Array(SAMPLES)
        for (let i = 0; i < SAMPLES; i++) samples[i] = volume * Math.sin((phase++ * 2 * Math.PI * frequency) / 48_000)
        source.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: SAMPLES })
      }
    }, 10)
    return local(await connection.createOffer())
  },
  acceptAnswer: sdp => connection.setRemoteDescription({ type: 'answer', sdp }),
  async acceptOffer(sdp) {
    await connection.setRemoteDescription({ type: 'offer', sdp })
    return local(await connection.createAnswer())
  },
  /** In so many milliseconds it is so loud: an amplitude of 16 bits. */
  setVolume(to, milliseconds = 0) {
    setTimeout(() => (volume = to), milliseconds)
  },
  listenFor(list) {
    frequencies = list
  },
  /** What is heard just now. */
  hears() {
    const now = Date.now()
    return [...heard.values()].filter(({ last }) => now - last < 300)
  }
})
