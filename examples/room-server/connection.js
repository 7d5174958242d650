import { isModest } from './json-shape.js'
import { TokenBucket } from './token-bucket.js'

/** WebSocket close codes (RFC 6455 7.4.1). */
export const CLOSE = { normal: 1000, goingAway: 1001, policy: 1008, tooLarge: 1009 }

/** Milliseconds after which what was told `bye` is cut, if it has not closed by then. */
const FAREWELL_MS = 2000

/** Milliseconds: a heartbeat has to get through. */
const LONGEST_PAUSE_MS = 2000

/** One WebSocket: frames in, checked messages out, and limits on both ways. */
export class Connection {
  #socket
  #limits
  #schema
  #address
  #bucket
  #patience
  /** Whether it is in a room, or waits at the door of one. Strangers may say less. */
  #joined = false
  /** It was told that it is over: what comes until it has closed does nothing any more. */
  #dismissed = false
  /** Frames that came while a token was looked at. @type {[Buffer, boolean][] | null} */
  #held = null
  /** Bytes that came before it joined. */
  #strange = 0
  /** @type {NodeJS.Timeout | null} */
  #pause = null
  #onMessage
  #warning = new TokenBucket({ perSecond: 1, burst: 1 })

  /**
   * @param {import('ws').WebSocket} socket
   * @param {object} options
   * @param {import('./limits.js').Limits} options.limits
   * @param {ReturnType<typeof import('./messages.js').clientMessages>} options.schema
   * @param {import('./addresses.js').Address} [options.address] where it comes from
   * @param {(message: import('./messages.js').ClientMessage) => void} options.onMessage
   * @param {() => void} options.onClose
   */
  constructor(socket, { limits, schema, address, onMessage, onClose }) {
    this.#socket = socket
    this.#limits = limits
    this.#schema = schema
    this.#address = address
    this.#onMessage = onMessage
    this.#bucket = new TokenBucket({ perSecond: limits.messagesPerSecond, burst: limits.messageBurst })
    this.#patience = new TokenBucket({ perSecond: 1, burst: limits.maxDroppedMessages })
    socket.on('message', (data, isBinary) => this.#receive(/** @type {Buffer} */ (data), isBinary))
    socket.on('close', () => {
      this.#dismissed = true
      if (this.#pause) clearTimeout(this.#pause)
      onClose()
    })
    // A frame over the hard limit or a protocol error: ws closes the socket by itself.
    socket.on('error', () => {})
  }

  /** Whether it was told that it is over, or is. */
  get dismissed() {
    return this.#dismissed
  }

  /** Bytes came, whether or not they are a whole frame yet. @param {number} count */
  received(count) {
    if (!this.#joined) {
      this.#strange += count
      if (this.#strange > this.#limits.maxBytesBeforeJoin) {
        this.#dismissed = true
        this.#socket.terminate()
        return
      }
    }
    this.#slowDown(this.#address?.bytes(count) ?? 0)
  }

  /** It is in: what it sends may be as large as a description. */
  joined() {
    this.#joined = true
  }

  /** What comes waits until `release`. */
  hold() {
    this.#held = []
  }

  release() {
    const held = this.#held ?? []
    this.#held = null
    for (const [data, isBinary] of held) this.#receive(data, isBinary)
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
   * @param {{ request?: string, field?: string, reason?: string, retryAfter?: number }} [details]
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
    // ws would wait half a minute for one that does not answer.
    setTimeout(() => this.#socket.terminate(), FAREWELL_MS).unref()
  }

  /**
   * Reads nothing more for a while. What an address does too fast takes longer, and nothing of it is
   * lost: others may be behind it.
   * @param {number} wait milliseconds
   */
  #slowDown(wait) {
    if (wait <= 0 || this.#pause) return
    this.#socket.pause()
    this.#pause = setTimeout(
      () => {
        this.#pause = null
        this.#socket.resume()
      },
      Math.min(wait, LONGEST_PAUSE_MS)
    )
    this.#pause.unref()
  }

  /**
   * @param {Buffer} data
   * @param {boolean} isBinary
   */
  #receive(data, isBinary) {
    if (this.#dismissed) return
    if (this.#held) {
      if (this.#held.length < this.#limits.maxHeldMessages) this.#held.push([data, isBinary])
      else this.bye(CLOSE.policy, 'rate-limited', 'too many messages')
      return
    }
    const message = this.#check(data, isBinary)
    if (message) this.#onMessage(message)
  }

  /**
   * @param {Buffer} data
   * @param {boolean} isBinary
   */
  #check(data, isBinary) {
    this.#slowDown(this.#address?.message() ?? 0)
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
    const { maxSize, maxDepth, maxValues } = this.#bounds
    if (data.length > maxSize) {
      const when = this.#joined ? '' : ' before joining'
      this.fail('too-large', `a message has at most ${maxSize} bytes${when}, this one had ${data.length}`)
      return null
    }
    if (!isModest(data, { maxDepth, maxValues })) {
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
      field: issue.path.join('.')
    })
    return null
  }

  get #bounds() {
    const { maxMessageSize, maxMessageDepth, maxMessageValues, maxJoinSize, maxJoinDepth, maxJoinValues } = this.#limits
    return this.#joined
      ? { maxSize: maxMessageSize, maxDepth: maxMessageDepth, maxValues: maxMessageValues }
      : { maxSize: maxJoinSize, maxDepth: maxJoinDepth, maxValues: maxJoinValues }
  }
}
