'use strict'

const dgram = require('node:dgram')

/**
 * Stands between clients and an endpoint whose UDP socket announces another address: what clients
 * send to `front` goes on to `back` at the same port, and the answers the other way. Packets with
 * media are lost on the way to the clients by a sequence that is the same in every run, and clients
 * can be given another address, as a NAT does that forgot them.
 */
class BadNetwork {
  #front
  #back
  #port
  #ways = new Map()
  #seed = 1
  #mediaLost = 0
  #mediaPassed = 0
  /** 0 to 1: how many packets with media are lost on their way to clients. */
  loss = 0

  static async start(t, { front, back, port }) {
    const network = new BadNetwork(back, port)
    network.#front = await bound(front, port)
    network.#front.on('message', (bytes, from) => network.#fromClient(bytes, from))
    t.after(() => network.close())
    return network
  }

  constructor(back, port) {
    this.#back = back
    this.#port = port
  }

  get mediaLost() {
    return this.#mediaLost
  }

  get mediaPassed() {
    return this.#mediaPassed
  }

  /**
   * From now on clients come to the endpoint from another address: all of them, or the one whose
   * address is this now, as the endpoint sees it.
   */
  async rebind(address) {
    for (const way of this.#ways.values()) {
      const before = way.socket
      if (address && address !== `127.0.0.1:${before.address().port}`) continue
      way.socket = await this.#open(way.client)
      before.close()
    }
  }

  close() {
    this.#front.close()
    for (const { socket } of this.#ways.values()) socket.close()
  }

  async #fromClient(bytes, client) {
    const key = `${client.address}:${client.port}`
    let way = this.#ways.get(key)
    if (!way) {
      way = { client, socket: null }
      this.#ways.set(key, way)
      way.socket = await this.#open(client)
    }
    // What comes while its way is being opened is lost, as on any network.
    way.socket?.send(bytes, this.#port, this.#back)
  }

  async #open(client) {
    const socket = await bound('127.0.0.1', 0)
    socket.on('message', bytes => {
      if (isMedia(bytes)) {
        if (this.#random() < this.loss) return void this.#mediaLost++
        this.#mediaPassed++
      }
      this.#front.send(bytes, client.port, client.address)
    })
    return socket
  }

  /** A linear congruential generator (the numbers are those of Numerical Recipes). */
  #random() {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
    return this.#seed / 2 ** 32
  }
}

/** RTP, and not the RTCP that shares its first byte (RFC 5761 4). */
function isMedia(bytes) {
  return bytes.length > 1 && bytes[0] >> 6 === 2 && !(bytes[1] >= 192 && bytes[1] < 224)
}

function bound(address, port) {
  const socket = dgram.createSocket('udp4')
  // A client that is gone says so by ICMP, which is nothing to fail for.
  socket.on('error', () => {})
  return new Promise(resolve => socket.bind(port, address, () => resolve(socket)))
}

module.exports = { BadNetwork }
