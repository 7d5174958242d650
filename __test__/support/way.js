'use strict'

const dgram = require('node:dgram')
const { once } = require('node:events')
const { Arrivals, Link } = require('./link.js')

const LOOPBACK = '127.0.0.1'

/**
 * A way from one client to an endpoint, by addresses of its own: what the client sends to the front
 * goes on from the back, which is the client's address as the endpoint knows it. It may lose packets,
 * both ways alike, and others may send from there.
 */
class Way {
  #front
  #back
  #server
  #client = null
  #links
  #arrivals = []
  #tap = null

  /**
   * @param {string} sdp a description of the endpoint, which says where the way leads to
   * @param {{ conditions?: import('./link.js').LinkConditions, seed?: number }} [options]
   */
  static async open(sdp, { conditions = {}, seed = 1 } = {}) {
    const way = new Way()
    way.#server = portOf(sdp)
    way.#links = [new Link(seed), new Link(seed + 1)]
    for (const link of way.#links) link.conditions = conditions
    way.#front = await bound()
    way.#back = await bound()
    const toServer = new Arrivals(bytes => way.inject(bytes))
    const toClient = new Arrivals(bytes => way.#client && way.#front.send(bytes, way.#client, LOOPBACK))
    way.#arrivals = [toServer, toClient]
    way.#front.on('message', (bytes, { port }) => {
      way.#client = port
      way.#tap?.(bytes)
      pass(way.#links[0], toServer, bytes)
    })
    way.#back.on('message', bytes => pass(way.#links[1], toClient, bytes))
    return way
  }

  /** A description of the endpoint that names this way in place of the endpoint's address. */
  rewrite(sdp) {
    return sdp
      .split('\r\n')
      .filter(line => !/^a=candidate:\S+ \d+ tcp /i.test(line))
      .map(line => line.replace(/^(a=candidate:\S+ \d+ udp \d+ \S+) \d+/i, `$1 ${this.#front.address().port}`))
      .join('\r\n')
  }

  /** Sends from the address that the endpoint takes for the client's. */
  inject(bytes) {
    this.#back.send(bytes, this.#server, LOOPBACK)
  }

  /** Calls `tap` with each datagram of the client, until `null` is given. */
  overhear(tap) {
    this.#tap = tap
  }

  close() {
    for (const arrivals of this.#arrivals) arrivals.close()
    this.#front.close()
    this.#back.close()
  }
}

function pass(link, arrivals, bytes) {
  for (const at of link.carry(performance.now(), bytes.length)) arrivals.add(at, bytes)
}

/** The UDP port that a description names. */
function portOf(sdp) {
  return Number(/^a=candidate:\S+ \d+ udp \d+ \S+ (\d+)/im.exec(sdp)[1])
}

async function bound() {
  const socket = dgram.createSocket('udp4')
  // A client that was killed says so by ICMP, which is nothing to fail for.
  socket.on('error', () => {})
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  return socket
}

module.exports = { Way, portOf }
