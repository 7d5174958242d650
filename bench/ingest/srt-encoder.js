'use strict'

/** An encoder that pushes by SRT what was made beforehand: packets of a transport stream, seven in a datagram. */

const dgram = require('node:dgram')
const { once } = require('node:events')
const { PACKET, pidOf, setCounter, setTime } = require('./ts-streams.js')

/** What is in a datagram of a live stream. */
const PAYLOAD = 7 * PACKET
const HEADER = 16
const HANDSHAKE = 0x80000000
const KEEPALIVE = 0x80010000
const ACK = 2
const ACKACK = 0x80060000
const [INDUCTION, CONCLUSION] = [1, 0xffffffff]
const VERSION = 0x010500
/** Timestamps, encryption, both ways of leaving out what is late, repeated reports, and retransmission told apart (3.2.1.1). */
const FLAGS = 0x3f
const MILLISECONDS = 120
const FIRST = 1000
/** Where the words of a handshake are (3.2.1). */
const WORDS = { version: 16, field: 20, sequence: 24, size: 28, window: 32, type: 36, socket: 40, cookie: 44 }

/** A stream id: words of four bytes, each turned around (3.2.1.3). */
function streamId(text) {
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 4) * 4)
  body.write(text)
  return body.swap32()
}

function extension(type, body) {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length / 4, 2)
  return Buffer.concat([head, body])
}

class SrtEncoder {
  #socket = dgram.createSocket({ type: 'udp4', sendBufferSize: 4 << 20 })
  #id = 1 + Math.floor(Math.random() * 0x3fffffff)
  #peer = 0
  #sequence = FIRST
  #began = performance.now()
  #counters = new Map()
  #waiting = []
  #alive

  /** Publishes; resolves when the server takes it. */
  static async publish(port, app, key) {
    const encoder = new SrtEncoder()
    const socket = encoder.#socket
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const taken = new Promise((resolve, reject) => {
      socket.on('message', packet => encoder.#hear(packet, `${app}/${key}`, resolve, reject))
    })
    const ask = setInterval(() => encoder.#peer === 0 && encoder.#greet(INDUCTION, { version: 4, field: 2 }), 250)
    encoder.#greet(INDUCTION, { version: 4, field: 2 })
    await taken
    clearInterval(ask)
    encoder.#alive = setInterval(() => encoder.#control(KEEPALIVE, 0), 1000)
    return encoder
  }

  #greet(type, { version = 5, field = 0, cookie = 0, extensions = [] }) {
    const packet = Buffer.alloc(HEADER + 48)
    packet.writeUInt32BE(HANDSHAKE, 0)
    const said = { version, field, sequence: FIRST, size: 1500, window: 8192, type, socket: this.#id, cookie }
    for (const [word, at] of Object.entries(WORDS)) packet.writeUInt32BE(said[word], at)
    this.#socket.send(Buffer.concat([packet, ...extensions]))
  }

  #hear(packet, id, taken, refused) {
    if (packet[0] < 0x80) return
    const kind = packet.readUInt16BE(0) & 0x7fff
    if (kind === ACK) return this.#control(ACKACK, packet.readUInt32BE(4))
    if (kind !== 0) return
    const type = packet.readUInt32BE(WORDS.type)
    if (type === INDUCTION) {
      const can = Buffer.alloc(12)
      can.writeUInt32BE(VERSION, 0)
      can.writeUInt32BE(FLAGS, 4)
      can.writeUInt16BE(MILLISECONDS, 8)
      can.writeUInt16BE(MILLISECONDS, 10)
      const extensions = [extension(1, can), extension(5, streamId(id))]
      this.#greet(CONCLUSION, { field: 5, cookie: packet.readUInt32BE(WORDS.cookie), extensions })
    } else if (type === CONCLUSION) {
      this.#peer = packet.readUInt32BE(WORDS.socket)
      taken()
    } else refused(new Error(`the server refused an encoder: ${type}`))
  }

  #now() {
    return Math.floor((performance.now() - this.#began) * 1000) >>> 0
  }

  #control(first, info) {
    const packet = Buffer.alloc(HEADER + 4)
    packet.writeUInt32BE(first, 0)
    packet.writeUInt32BE(info, 4)
    packet.writeUInt32BE(this.#now(), 8)
    packet.writeUInt32BE(this.#peer, 12)
    this.#socket.send(packet)
  }

  /** Takes whole packets of the stream. */
  write(packets) {
    for (let at = 0; at < packets.length; at += PACKET) {
      const pid = pidOf(packets, at)
      const counter = ((this.#counters.get(pid) ?? -1) + 1) & 15
      this.#counters.set(pid, counter)
      setCounter(packets, at, counter)
    }
    this.#waiting.push(packets)
  }

  cork() {}

  /** Sends what was written. */
  uncork() {
    if (this.#waiting.length === 0) return
    const bytes = Buffer.concat(this.#waiting.splice(0))
    for (let at = 0; at < bytes.length; at += PAYLOAD) {
      const header = Buffer.alloc(HEADER)
      header.writeUInt32BE(this.#sequence & 0x7fffffff, 0)
      header.writeUInt32BE((0xc0000000 | (this.#sequence & 0x3ffffff)) >>> 0, 4)
      header.writeUInt32BE(this.#now(), 8)
      header.writeUInt32BE(this.#peer, 12)
      this.#sequence += 1
      this.#socket.send([header, bytes.subarray(at, at + PAYLOAD)])
    }
  }

  destroy() {
    clearInterval(this.#alive)
    this.#socket.close()
  }
}

module.exports = { Encoder: SrtEncoder, MILLISECONDS, at: setTime }
