'use strict'

const dgram = require('node:dgram')
const { Arrivals, Link } = require('./link.js')

/**
 * Stands between clients and an endpoint whose UDP socket announces another address: what clients
 * send to `front` goes on to `back` at the same port, and the answers the other way. Packets with
 * media are lost on the way to the clients by a sequence that is the same in every run, and clients
 * can be given another address, as a NAT does that forgot them. Each client has a link of its own in
 * either direction, all with the same conditions, which can be changed at any time or follow a plan.
 */
class BadNetwork {
  #front
  #back
  #port
  #ways = new Map()
  #random = new Link(1)
  #seed
  #timers = new Set()
  #conditions = { toClients: {}, fromClients: {} }
  #mediaLost = 0
  #mediaPassed = 0
  /** 0 to 1: how many packets with media are lost on their way to clients. */
  loss = 0

  static async start(t, { front, back, port, seed = 1 }) {
    const network = new BadNetwork(back, port, seed)
    network.#front = await bound(front, port)
    network.#front.on('message', (bytes, from) => network.#fromClient(bytes, from))
    t.after(() => network.close())
    return network
  }

  constructor(back, port, seed = 1) {
    this.#back = back
    this.#port = port
    this.#seed = seed
  }

  /**
   * Conditions of all links from now on. A direction that is left out stays as it is.
   * @param {{ toClients?: import('./link.js').LinkConditions, fromClients?: import('./link.js').LinkConditions }} conditions
   */
  set(conditions) {
    Object.assign(this.#conditions, conditions)
    for (const way of this.#ways.values()) this.#apply(way)
  }

  /** Clients that are there already keep the conditions they have, whatever is set from now on. */
  keep() {
    for (const way of this.#ways.values()) way.kept = true
  }

  /**
   * Changes conditions over time.
   * @param {{ after: number, toClients?: object, fromClients?: object }[]} steps `after` in milliseconds from now
   */
  follow(steps) {
    for (const { after, ...conditions } of steps) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        this.set(conditions)
      }, after)
      this.#timers.add(timer)
    }
  }

  /** What became of the packets to clients, on all links together. */
  get counts() {
    const sum = { passed: 0, lost: 0, dropped: 0, duplicated: 0 }
    for (const { toClient } of this.#ways.values()) {
      for (const key of Object.keys(sum)) sum[key] += toClient.counts[key]
    }
    return sum
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
      way.socket = await this.#open(way)
      before.close()
    }
  }

  close() {
    this.#front.close()
    for (const timer of this.#timers) clearTimeout(timer)
    for (const { socket, back, forth } of this.#ways.values()) {
      back.close()
      forth.close()
      socket?.close()
    }
  }

  async #fromClient(bytes, client) {
    const key = `${client.address}:${client.port}`
    let way = this.#ways.get(key)
    if (!way) {
      const number = this.#seed + 2 * this.#ways.size
      way = { client, socket: null, toClient: new Link(number), fromClient: new Link(number + 1) }
      way.back = new Arrivals(bytes => this.#front.send(bytes, client.port, client.address))
      way.forth = new Arrivals(bytes => way.socket?.send(bytes, this.#port, this.#back))
      this.#apply(way)
      this.#ways.set(key, way)
      way.socket = await this.#open(way)
    }
    // What comes while its way is being opened is lost, as on any network.
    this.#pass(way.fromClient, way.forth, bytes)
  }

  #apply(way) {
    if (way.kept) return
    way.toClient.conditions = this.#conditions.toClients
    way.fromClient.conditions = this.#conditions.fromClients
  }

  #pass(link, arrivals, bytes) {
    for (const at of link.carry(performance.now(), bytes.length)) arrivals.add(at, bytes)
  }

  async #open(way) {
    const socket = await bound('127.0.0.1', 0)
    socket.on('message', bytes => {
      if (isMedia(bytes)) {
        if (this.#random.random() < this.loss) return void this.#mediaLost++
        this.#mediaPassed++
      }
      this.#pass(way.toClient, way.back, bytes)
    })
    return socket
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
