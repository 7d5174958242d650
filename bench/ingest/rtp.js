'use strict'

/** What a packet of plain RTP costs on its way in and on its way out, beside one of WebRTC. */

const path = require('node:path')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')
const { sink } = require('./sink.js')
const { threadShares } = require('./threads.js')

const H264 = { name: 'h264', payloadType: 96 }
const SUITE = 'AES_CM_128_HMAC_SHA1_80'

/** The other side: a process that has an endpoint of its own and sends by plain RTP what it is told to. */
class Far {
  #process = fork(path.join(__dirname, 'rtp-peer.js'))
  #sink

  static async begin() {
    const far = new Far()
    far.#sink = await sink()
    return far
  }

  /** Takes everything. */
  get port() {
    return this.#sink.port
  }

  async ask(question) {
    this.#process.send(question)
    const [answer] = await once(this.#process, 'message')
    if (answer.error) throw new Error(answer.error)
    return answer
  }

  end() {
    this.#process.kill()
    this.#sink.end()
  }
}

function connected(transport) {
  return new Promise(resolve => {
    const look = () => transport.state === 'connected' && resolve()
    transport.on('state', look)
    look()
  })
}

/** Ways in: each gives the tracks of so many streams. */
const WAYS_IN = {
  async rtp(endpoint, far, streams, srtp) {
    const options = { video: { codecs: [H264], srtp } }
    const transports = await Promise.all(Array.from({ length: streams }, () => endpoint.createRtpTransport(options)))
    await far.ask({ push: transports.map(({ ports }) => ports[0].port), srtp })
    return transports.map(({ incomingTracks }) => incomingTracks[0])
  },
  srtp: (endpoint, far, streams) => WAYS_IN.rtp(endpoint, far, streams, { suite: SUITE, key: KEY }),
  async webrtc(endpoint, far, streams) {
    const tracks = []
    for (let index = 0; index < streams; index++) {
      const transport = endpoint.createTransport()
      const { offer } = await far.ask({ publish: true })
      const answer = await transport.acceptOffer(offer)
      await far.ask({ answer })
      await connected(transport)
      tracks.push(transport.incomingTracks[0])
    }
    return tracks
  }
}

/** Ways out: each sends a track to so many receivers. */
const WAYS_OUT = {
  async rtp(endpoint, { port }, track, receivers, srtp) {
    for (let index = 0; index < receivers; index++) {
      const remote = { address: '127.0.0.1', port, rtcpPort: port }
      const transport = await endpoint.createRtpTransport({ video: { codecs: [H264], direction: 'sendonly', remote, srtp } })
      transport.outgoingTracks[0].attachTo(track)
    }
  },
  srtp: (endpoint, far, track, receivers) => WAYS_OUT.rtp(endpoint, far, track, receivers, { suite: SUITE }),
  async webrtc(endpoint, far, track, receivers) {
    for (let index = 0; index < receivers; index++) {
      const transport = endpoint.createTransport()
      transport.createOutgoingStream({ video: 1 }).video[0].attachTo(track)
      const { answer } = await far.ask({ offer: await transport.createOffer() })
      await transport.acceptAnswer(answer)
      await connected(transport)
    }
  }
}

/** Master key and salt of all streams of this benchmark. */
const KEY = Buffer.alloc(30, 7).toString('base64')

async function packets(endpoint) {
  const stats = await endpoint.getStats()
  const sum = (list, of) => list.reduce((total, item) => total + of(item), 0)
  const transports = [...stats.transports]
  return {
    received: sum(transports, ({ incomingTracks }) => sum(incomingTracks, track => sum(track.encodings, e => e.packetsReceived))),
    sent: sum(transports, ({ outgoingTracks }) => sum(outgoingTracks, track => track.packetsSent))
  }
}

/** CPU of a second on the media thread, and packets of it. */
async function measure(endpoint, { seconds, warmUp }) {
  await sleep(warmUp * 1000)
  const before = await packets(endpoint)
  const shares = await threadShares(() => sleep(seconds * 1000))
  const after = await packets(endpoint)
  return {
    cpu: shares.media,
    received: (after.received - before.received) / shares.seconds,
    sent: (after.sent - before.sent) / shares.seconds
  }
}

async function clear(endpoint, far) {
  await far.ask({ stop: true })
  for (const transport of [...endpoint.transports, ...endpoint.rtpTransports]) await transport.close()
}

const NAMES = { rtp: 'plain RTP', srtp: 'SRTP by SDES', webrtc: 'WebRTC' }

/** Tells a row for each way, of so many streams that come in, or receivers of one stream. */
async function rtpRows(endpoint, plan, tell) {
  const { streams } = plan
  const far = await Far.begin()
  try {
    const into = {}
    for (const way of Object.keys(WAYS_IN)) {
      await WAYS_IN[way](endpoint, far, streams)
      const { cpu, received } = await measure(endpoint, plan)
      into[way] = (1e6 * cpu) / received
      await clear(endpoint, far)
    }
    const out = {}
    for (const way of Object.keys(WAYS_OUT)) {
      const [track] = await WAYS_IN.rtp(endpoint, far, 1)
      await WAYS_OUT[way](endpoint, far, track, streams)
      const { cpu, received, sent } = await measure(endpoint, plan)
      // What came in is not what is measured.
      out[way] = (1e6 * cpu - into.rtp * received) / sent
      await clear(endpoint, far)
    }
    for (const [direction, costs] of Object.entries({ in: into, out })) {
      for (const [way, microseconds] of Object.entries(costs)) {
        const name = `${direction}: ${NAMES[way]}`
        tell({ kind: 'packets', name, microseconds, packetsPerCore: 1e6 / microseconds, toWebrtc: microseconds / costs.webrtc })
      }
    }
  } finally {
    far.end()
  }
}

module.exports = { rtpRows }
