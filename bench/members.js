'use strict'

const { WebSocket } = require('ws')

const ROOM = 'bench'

/**
 * Members of one room of the room server, over its WebSockets (docs/signaling.md). The media of each
 * is a client of the load generator, which offers once and receives on the lines of that offer.
 */
class Members {
  #url
  #members = new Map()

  /** @param {string} url of the room server */
  constructor(url) {
    this.#url = new URL('/signaling', url.replace(/^http/, 'ws'))
  }

  /**
   * @param {{ client: number, sdp: string }} offer
   * @returns {Promise<string>} the answer
   */
  join({ client, sdp }) {
    const member = new Member(new WebSocket(this.#url), `member ${client}`, sdp)
    this.#members.set(client, member)
    return member.answered
  }

  close() {
    for (const member of this.#members.values()) member.close()
  }
}

class Member {
  #socket
  #connection = 0
  #offers = 0
  #sdp
  #settle

  constructor(socket, name, sdp) {
    this.#socket = socket
    this.#sdp = sdp
    /** The answer to the first offer. */
    this.answered = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    socket.on('open', () => this.#send({ type: 'join', room: ROOM, name }))
    socket.on('message', data => this.#receive(JSON.parse(data)))
    socket.on('error', error => this.#settle.reject(error))
  }

  close() {
    this.#socket.close()
  }

  #receive(message) {
    switch (message.type) {
      case 'welcome':
        this.#connection = message.connection
        this.#send({ type: 'media', audio: true, video: true, streams: [] })
        return this.#offer()
      case 'answer':
        return this.#settle.resolve(message.sdp)
      // Somebody came. The lines to receive them on are in the first offer, so that it is made again.
      case 'offer':
        return this.#offer()
      case 'error':
        return this.#settle.reject(new Error(`the room server says: ${message.message}`))
    }
  }

  #offer() {
    this.#offers += 1
    const sdp = this.#sdp.replace(/^(o=\S+ \S+) \d+/m, `$1 ${this.#offers + 1}`)
    this.#send({ type: 'offer', connection: this.#connection, id: this.#offers, sdp })
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message))
  }
}

module.exports = { Members }
