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
export class Signaling extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null
  #closed = false
  #retries = 0
  /** @type {number | undefined} */
  #timer
  #lastHeard = 0
  #pings
  #url

  /** @param {string} url */
  constructor(url) {
    super()
    this.#url = url
    this.#pings = setInterval(() => this.#checkSilence(), PING_MS)
    // The network came back: no need to wait for the next try.
    addEventListener('online', this.#retryNow)
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  connect() {
    if (this.#closed) return
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    this.#lastHeard = Date.now()
    socket.onopen = () => {
      this.#retries = 0
      this.dispatchEvent(new Event('open'))
    }
    socket.onmessage = ({ data }) => {
      this.#lastHeard = Date.now()
      const message = JSON.parse(data)
      if (message.type !== 'pong') this.dispatchEvent(new CustomEvent('message', { detail: message }))
    }
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose()
    }
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
    this.dispatchEvent(new Event('lost'))
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
