'use strict'

/** SRT made by hand: handshakes, and a relay that loses datagrams. */

const dgram = require('node:dgram')
const { once } = require('node:events')

const HANDSHAKE = 48
const INDUCTION = 1
const CONCLUSION = 0xffffffff

/** A handshake of version 5; `extensions` as type and body. */
function handshake({ type, version = 5, field = 0, socket, cookie = 0, extensions = [] }) {
  const packet = Buffer.alloc(16 + HANDSHAKE)
  packet.writeUInt32BE(0x80000000, 0)
  packet.writeUInt32BE(version, 16)
  packet.writeUInt32BE(field, 20)
  packet.writeUInt32BE(1000, 24)
  packet.writeUInt32BE(1500, 28)
  packet.writeUInt32BE(8192, 32)
  packet.writeUInt32BE(type, 36)
  packet.writeUInt32BE(socket, 40)
  packet.writeUInt32BE(cookie, 44)
  const parts = extensions.map(([kind, body]) => {
    const head = Buffer.alloc(4)
    head.writeUInt16BE(kind, 0)
    head.writeUInt16BE(body.length / 4, 2)
    return Buffer.concat([head, body])
  })
  return Buffer.concat([packet, ...parts])
}

/** What a live caller can, and when what it sends is due. */
function capabilities(latency = 120) {
  const body = Buffer.alloc(12)
  body.writeUInt32BE(0x010500, 0)
  body.writeUInt32BE(0x3f, 4)
  body.writeUInt16BE(latency, 8)
  body.writeUInt16BE(latency, 10)
  return [1, body]
}

/** A stream id: words of four bytes, each turned around. */
function streamId(text) {
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 4) * 4)
  body.write(text)
  return [5, Buffer.from(body).swap32()]
}

/** A caller made by hand. */
class SrtClient {
  socket = dgram.createSocket('udp4')
  #id = 1 + Math.floor(Math.random() * 0x3fffffff)
  #peer = 0
  #sequence = 1000
  #began = performance.now()
  #alive
  /** The type of the handshake that answered: a refusal from 1000 on. */
  answer = null
  gone = false

  /** Calls as encoders do. */
  static async call(t, port, { id = 'secret', conclude = true } = {}) {
    const client = new SrtClient()
    t.after(() => client.close())
    client.socket.on('error', () => {})
    client.socket.connect(port, '127.0.0.1')
    await once(client.socket, 'connect')
    client.socket.on('message', packet => client.#hear(packet, id, conclude))
    client.send(handshake({ type: INDUCTION, version: 4, field: 2, socket: client.#id }))
    return client
  }

  #hear(packet, id, conclude) {
    const type = packet.readUInt16BE(0) & 0x7fff
    if (type === 5) this.gone = true
    if (type !== 0 || packet[0] < 0x80) return
    const kind = packet.readUInt32BE(36)
    if (kind === INDUCTION) {
      const extensions = [capabilities(), ...(id ? [streamId(id)] : [])]
      const cookie = packet.readUInt32BE(44)
      if (conclude) this.send(handshake({ type: CONCLUSION, field: 5, socket: this.#id, cookie, extensions }))
      else this.answer = kind
      return
    }
    if (this.answer === null && kind === CONCLUSION) this.#keepAlive()
    this.answer = kind
    this.#peer = packet.readUInt32BE(40)
  }

  #keepAlive() {
    this.#alive = setInterval(() => {
      const packet = Buffer.alloc(20)
      packet.writeUInt32BE(0x80010000, 0)
      packet.writeUInt32BE(this.#peer, 12)
      this.send(packet)
    }, 500)
  }

  get accepted() {
    return this.answer === CONCLUSION
  }

  send(packet) {
    if (!this.gone) this.socket.send(packet)
  }

  /** Sends packets of a transport stream, seven in a datagram. */
  stream(bytes) {
    for (let at = 0; at < bytes.length; at += 1316) {
      const header = Buffer.alloc(16)
      header.writeUInt32BE(this.#sequence, 0)
      header.writeUInt32BE((0xc0000000 | (this.#sequence - 999)) >>> 0, 4)
      header.writeUInt32BE(Math.floor((performance.now() - this.#began) * 1000), 8)
      header.writeUInt32BE(this.#peer, 12)
      this.#sequence += 1
      this.send(Buffer.concat([header, bytes.subarray(at, at + 1316)]))
    }
  }

  close() {
    this.gone = true
    clearInterval(this.#alive)
    try {
      this.socket.close()
    } catch {
      // It is closed.
    }
  }
}

/** A relay in front of a port that loses every so many-th datagram of each direction. Gives its port and what it lost. */
async function lossyRelay(t, port, { every }) {
  const front = dgram.createSocket('udp4')
  const backs = new Map()
  const relay = { port: 0, lost: 0, passed: 0 }
  const loses = () => {
    relay.passed += 1
    if (relay.passed % every !== 0) return false
    relay.lost += 1
    return true
  }
  front.on('error', () => {})
  front.on('message', (packet, from) => {
    const key = `${from.address}:${from.port}`
    let back = backs.get(key)
    if (!back) {
      back = dgram.createSocket('udp4')
      backs.set(key, back)
      back.on('error', () => {})
      back.on('message', answer => void (loses() || front.send(answer, from.port, from.address)))
    }
    if (!loses()) back.send(packet, port, '127.0.0.1')
  })
  t.after(() => [front, ...backs.values()].forEach(socket => socket.close()))
  front.bind(0, '127.0.0.1')
  await once(front, 'listening')
  relay.port = front.address().port
  return relay
}

module.exports = { SrtClient, capabilities, handshake, lossyRelay, streamId }
