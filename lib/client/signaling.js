import { Emitter } from './emitter.js'

/** Silence of this many milliseconds means that the network is gone, even if the browser has not noticed. */
const SILENCE_MS = 15_000
const PING_MS = 5_000
const FIRST_RETRY_MS = 300
const LAST_RETRY_MS = 5_000

/**
 * The WebSocket to the room server, opened again whenever it breaks. docs/signaling.md describes
 * the messages.
 *
 * Events: `message` (detail: the message), `open`, `lost`.
 */
export class Signaling extends Emitter {
  /** @type {WebSocket | null} */
  #socket = null
  #closed = false
  #retries = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #lastHeard = 0
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pings
  #url

  /** @param {string} server an address that ends with a slash, over HTTP or WebSocket */
  constructor(server) {
    super()
    this.#url = signalingUrl(server)
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  connect() {
    if (this.#closed) return
    this.#pings ??= setInterval(() => this.#checkSilence(), PING_MS)
    // The network came back: no need to wait for the next try. (Listening twice is listening once.)
    addEventListener('online', this.#retryNow)
    /** @type {WebSocket} */
    let socket
    try {
      socket = new WebSocket(this.#url)
    } catch {
      // Firefox throws what the page's policy for contents does not allow; others tell it later.
      return this.#lose()
    }
    this.#socket = socket
    this.#lastHeard = Date.now()
    socket.onopen = () => {
      this.#retries = 0
      this.emit('open')
    }
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return
      this.#lastHeard = Date.now()
      const message = JSON.parse(data)
      if (message.type !== 'pong') this.emit('message', message)
    }
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose()
    }
  }

  /** Goes on at another server. @param {string} server */
  moveTo(server) {
    this.#url = signalingUrl(server)
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = null
    socket?.close(1000)
    this.connect()
  }

  /**
   * @param {object} message
   * @returns {boolean} whether it was handed to an open WebSocket
   */
  send(message) {
    if (!this.#socket || !this.open) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    clearInterval(this.#pings)
    removeEventListener('online', this.#retryNow)
    this.#socket?.close(1000)
    this.#socket = null
  }

  #lose() {
    this.#socket = null
    if (this.#closed) return
    this.emit('lost')
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#retries, LAST_RETRY_MS) * (0.75 + Math.random() / 2)
    this.#retries += 1
    this.#timer = setTimeout(() => this.connect(), delay)
  }

  #retryNow = () => {
    if (this.#closed || this.#socket) return
    clearTimeout(this.#timer)
    this.connect()
  }

  #checkSilence() {
    if (!this.#socket) return
    if (Date.now() - this.#lastHeard > SILENCE_MS) {
      const socket = this.#socket
      this.#lose()
      socket.close()
    } else {
      this.send({ type: 'ping' })
    }
  }
}

/** @param {string} server */
function signalingUrl(server) {
  const url = new URL('signaling', server)
  url.protocol = url.protocol.replace(/^http/, 'ws')
  return url.href
}
