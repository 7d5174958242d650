'use strict'

/**
 * The other side of packets that are measured, in a process of its own: sends pictures by plain RTP, sends
 * and receives by WebRTC. Told by messages of who forked it.
 */

const dgram = require('node:dgram')
const path = require('node:path')
const { once } = require('node:events')

const H264 = { name: 'h264', payloadType: 96 }
const FRAME_RATE = 30
/** Packets of a picture, of about 1,040 bytes: 2 Mbit/s. */
const PACKETS = 8
const PAYLOAD = 1030
const GROUP = 60
/** 320x240, constrained baseline, and its PPS, in one packet (STAP-A, RFC 6184 5.7.1). */
const PARAMETER_SETS = Buffer.concat([
  Buffer.from([0x78, 0, 9]),
  Buffer.from('6742c00dda0507e840', 'hex'),
  Buffer.from([0, 4]),
  Buffer.from('68ce3c80', 'hex')
])

let endpoint
let waiting = null
const timers = new Set()
const sockets = new Set()

async function socket() {
  const made = dgram.createSocket({ type: 'udp4', recvBufferSize: 8 << 20 })
  made.bind(0, '127.0.0.1')
  await once(made, 'listening')
  sockets.add(made)
  return made
}

/** One stream of pictures. */
class Stream {
  #sequence = 0
  #frame = 0
  #ssrc

  constructor(ssrc) {
    this.#ssrc = ssrc
  }

  #packet(timestamp, marker, payload) {
    const packet = Buffer.alloc(12 + payload.length)
    packet[0] = 0x80
    packet[1] = (marker ? 0x80 : 0) | H264.payloadType
    packet.writeUInt16BE(this.#sequence++ & 0xffff, 2)
    packet.writeUInt32BE(timestamp, 4)
    packet.writeUInt32BE(this.#ssrc, 8)
    packet.set(payload, 12)
    return packet
  }

  /** The packets of the next picture (FU-A, RFC 6184 5.8). */
  next() {
    const keyframe = this.#frame % GROUP === 0
    const timestamp = (this.#frame++ * 90_000) / FRAME_RATE
    const packets = keyframe ? [this.#packet(timestamp, false, PARAMETER_SETS)] : []
    for (let index = 0; index < PACKETS; index++) {
      const payload = Buffer.alloc(PAYLOAD, 0x55)
      payload[0] = keyframe ? 0x7c : 0x5c
      payload[1] = (index === 0 ? 0x80 : 0) | (index === PACKETS - 1 ? 0x40 : 0) | (keyframe ? 5 : 1)
      if (index === 0) payload.set([0x88, 0x84], 2)
      packets.push(this.#packet(timestamp, index === PACKETS - 1, payload))
    }
    return packets
  }
}

/** Sends pictures to a port. */
async function send(port) {
  const from = await socket()
  const stream = new Stream(1)
  let next = performance.now()
  const timer = setInterval(() => {
    for (; next <= performance.now(); next += 1000 / FRAME_RATE) {
      for (const packet of stream.next()) from.send(packet, port, '127.0.0.1')
    }
  }, 3)
  timers.add(timer)
}

/** What comes by plain RTP, as a track of this side's endpoint. */
async function source() {
  const transport = await endpoint.createRtpTransport({ video: { codecs: [H264] } })
  await send(transport.ports[0].port)
  return transport.incomingTracks[0]
}

/** Pictures go to ports by this side's endpoint, which sends those of one picture by one call as it does by WebRTC. */
async function sendTo(ports, srtp) {
  for (const port of ports) {
    const sealed = srtp && { suite: srtp.suite, sendKey: srtp.key }
    const video = { codecs: [H264], direction: 'sendonly', remote: { address: '127.0.0.1', port }, srtp: sealed }
    const transport = await endpoint.createRtpTransport({ video })
    transport.outgoingTracks[0].attachTo(await source())
  }
}

async function answer({ push, srtp, publish, answer, offer, stop }) {
  if (push) await sendTo(push, srtp)
  if (publish) {
    waiting = endpoint.createTransport({ iceLite: false })
    waiting.createOutgoingStream({ video: 1 }).video[0].attachTo(await source())
    return { offer: await waiting.createOffer() }
  }
  if (answer) await waiting.acceptAnswer(answer)
  if (offer) return { answer: await endpoint.createTransport({ iceLite: false }).acceptOffer(offer) }
  if (stop) {
    for (const timer of timers) clearInterval(timer)
    timers.clear()
    for (const transport of [...endpoint.transports, ...endpoint.rtpTransports]) await transport.close()
    for (const each of sockets) each.close()
    sockets.clear()
  }
  return {}
}

async function main() {
  const { Endpoint } = require(path.join(__dirname, '..', '..'))
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  endpoint.ref()
  process.on('message', message => {
    answer(message).then(
      told => process.send(told),
      error => process.send({ error: error.message })
    )
  })
}

void main()
process.on('disconnect', () => process.exit())
