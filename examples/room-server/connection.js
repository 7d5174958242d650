import { isModest } from './json-shape.js'
import { TokenBucket } from './token-bucket.js'

/** WebSocket close codes (RFC 6455 7.4.1). */
export const CLOSE = { normal: 1000, goingAway: 1001, policy: 1008 }

/** One WebSocket: frames in, checked messages out, and limits on both ways. */
export class Connection {
  #socket
  #limits
  #schema
  #bucket
  #patience
  /** It was told that it is over: what comes until it has closed does nothing any more. */
  #dismissed = false
  #warning = new TokenBucket({ perSecond: 1, burst: 1 })

  /**
   * @param {import('ws').WebSocket} socket
   * @param {object} options
   * @param {import('./limits.js').Limits} options.limits
   * @param {ReturnType<typeof import('./messages.js').clientMessages>} options.schema
   * @param {(message: import('./messages.js').ClientMessage) => void} options.onMessage
   * @param {() => void} options.onClose
   */
  constructor(socket, { limits, schema, onMessage, onClose }) {
    this.#socket = socket
    this.#limits = limits
    this.#schema = schema
    this.#bucket = new TokenBucket({ perSecond: limits.messagesPerSecond, burst: limits.messageBurst })
    this.#patience = new TokenBucket({ perSecond: 1, burst: limits.maxDroppedMessages })
    socket.on('message', (data, isBinary) => {
      if (this.#dismissed) return
      const message = this.#check(/** @type {Buffer} */ (data), isBinary)
      if (message) onMessage(message)
    })
    socket.on('close', onClose)
    // A frame over the hard limit or a protocol error: ws closes the socket by itself.
    socket.on('error', () => {})
  }

  /** @param {object} message */
  send(message) {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#socket.bufferedAmount > this.#limits.maxBufferedAmount) {
      // It can come back and resume; holding more for it would be at everybody's expense.
      this.#socket.terminate()
      return
    }
    this.#socket.send(JSON.stringify(message))
  }

  /**
   * Tells the client that its message was not acted upon.
   * @param {string} code
   * @param {string} message
   * @param {{ request?: string, field?: string }} [details]
   */
  fail(code, message, details = {}) {
    this.send({ type: 'error', code, message, ...details })
  }

  /**
   * Says why, and closes.
   * @param {number} closeCode
   * @param {string} code
   * @param {string} message
   */
  bye(closeCode, code, message) {
    this.#dismissed = true
    this.send({ type: 'bye', code, message })
    this.#socket.close(closeCode, code)
  }

  /**
   * @param {Buffer} data
   * @param {boolean} isBinary
   */
  #check(data, isBinary) {
    if (!this.#bucket.take()) {
      if (!this.#patience.take()) {
        this.bye(CLOSE.policy, 'rate-limited', 'too many messages')
      } else if (this.#warning.take()) {
        this.fail('rate-limited', `more than ${this.#limits.messagesPerSecond} messages a second: some were dropped`)
      }
      return null
    }
    if (isBinary) {
      this.fail('bad-message', 'messages are JSON in text frames')
      return null
    }
    if (data.length > this.#limits.maxMessageSize) {
      this.fail('too-large', `a message has at most ${this.#limits.maxMessageSize} bytes, this one had ${data.length}`)
      return null
    }
    if (!isModest(data, { maxDepth: this.#limits.maxMessageDepth, maxValues: this.#limits.maxMessageValues })) {
      this.fail('bad-message', 'the message has more values, or deeper ones, than any message has')
      return null
    }
    let json
    try {
      json = JSON.parse(data.toString())
    } catch {
      this.fail('bad-json', 'the message is not JSON')
      return null
    }
    const parsed = this.#schema.safeParse(json)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const request = typeof json?.type === 'string' ? json.type.slice(0, 64) : undefined
    this.fail('bad-message', `${issue.path.join('.') || 'message'}: ${issue.message}`, {
      ...(request !== undefined && { request }),
      field: issue.path.join('.'),
    })
    return null
  }
}
