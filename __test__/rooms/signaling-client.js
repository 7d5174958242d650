'use strict'

const { WebSocket } = require('ws')

const PATIENCE_MS = 5000

/** A bare client of docs/signaling.md: sends anything, and waits for what comes back. */
class SignalingClient {
  /** @type {any[]} */
  #messages = []
  /** @type {Set<() => void>} */
  #waiting = new Set()

  /**
   * @param {string} url of the room server
   * @param {import('ws').ClientOptions} [options]
   */
  constructor(url, options) {
    this.socket = new WebSocket(new URL('/signaling', url.replace('http', 'ws')), options)
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
    this.closed = new Promise(resolve => this.socket.once('close', code => resolve(code)))
    this.socket.on('message', data => {
      this.#messages.push(JSON.parse(data.toString()))
      for (const wake of [...this.#waiting]) wake()
    })
    this.socket.on('error', () => {})
  }

  /** @param {string} url @param {object} join @param {import('ws').ClientOptions} [options] */
  static async joined(url, join, options) {
    const client = new SignalingClient(url, options)
    await client.opened
    client.send({ type: 'join', ...join })
    client.welcome = await client.next('welcome')
    return client
  }

  /** @param {object | string | Buffer} message an object is sent as JSON, anything else as it is */
  send(message) {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message))
  }

  /**
   * The next message of this type that nobody has taken yet.
   * @param {string} type
   * @param {(message: any) => boolean} [fits]
   * @returns {Promise<any>}
   */
  async next(type, fits = () => true) {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      const index = this.#messages.findIndex(message => message.type === type && fits(message))
      if (index >= 0) return this.#messages.splice(index, 1)[0]
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no ${type} came; there is ${JSON.stringify(this.#messages).slice(0, 500)}`)
      await new Promise(resolve => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve(undefined)
        }
        const timer = setTimeout(wake, left)
        this.#waiting.add(wake)
      })
    }
  }

  /** Everything of this type that has come by now: `ping` and `pong` go around first. @param {string} type */
  async seen(type) {
    this.send({ type: 'ping' })
    await this.next('pong')
    return this.#messages.filter(message => message.type === type)
  }

  close() {
    this.socket.terminate()
  }
}

module.exports = { SignalingClient }
