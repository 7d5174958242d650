'use strict'

const { Endpoint } = require('../../index.js')
const { TestClient } = require('./test-client.js')

/** An endpoint that plays the browsers of any number of clients. */
class TestClients {
  #endpoint

  /** @param {import('../../index.js').Endpoint} endpoint */
  constructor(endpoint) {
    this.#endpoint = endpoint
  }

  /** @param {import('../../index.js').EndpointOptions} [options] */
  static async create(options = { listen: [{ ip: '127.0.0.1' }], threads: 1 }) {
    // A test that waits for something to happen has nothing else that keeps its process alive.
    return new TestClients((await Endpoint.create(options)).ref())
  }

  /**
   * @param {import('../rooms/index.js').Rooms} rooms
   * @param {string} room
   * @param {import('./index.js').TestJoinOptions} options
   */
  async join(rooms, room, { sends, ...options }) {
    const remote = rooms.endpoint.createTransport()
    const client = this.#make({ ...(sends && { sends }) })
    try {
      await client.offer(offer => remote.acceptOffer(offer))
      client.participant = rooms.join(room, { ...options, transport: remote })
      client.follow(remote)
      await client.connected()
      return client
    } catch (error) {
      client.participant?.leave()
      await Promise.all([remote.close(), client.close()])
      throw error
    }
  }

  /**
   * @param {(offer: string) => Promise<string>} exchange
   * @param {import('./index.js').TestConnectOptions} [options]
   */
  async connect(exchange, options) {
    const client = this.#make(options)
    try {
      await client.offer(exchange)
      await client.connected()
      return client
    } catch (error) {
      await client.close()
      throw error
    }
  }

  close() {
    return this.#endpoint.close()
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** @param {import('./index.js').TestConnectOptions} [options] */
  #make(options) {
    // The server is ICE-lite mostly, so that it is the client who checks.
    return new TestClient(this.#endpoint, this.#endpoint.createTransport({ iceLite: false }), options)
  }
}

exports.TestClients = TestClients
