/** A server that cannot be reached in this time at the first try is given up. */
const UNREACHABLE_MS = 15_000
const AGAIN_MS = 3000

/** @typedef {string | null | (() => string | Promise<string>)} Token */

/**
 * The way into a room: asks to be let in whenever a WebSocket opens, with a token that is new where the
 * application makes them anew, and gives up when nobody is there.
 */
export class Entry {
  /** Settled once: by the first welcome, or when it came to nothing. @type {Promise<void>} */
  admitted
  /** @type {() => void} */
  #admit = () => {}
  /** @type {(error: Error) => void} */
  #refuse = () => {}
  /** Counts what was asked, as a token may take longer to come than a WebSocket lives. */
  #attempts = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #closed = false
  #signaling
  #token
  #request
  #giveUp

  /**
   * @param {object} options
   * @param {import('./signaling.js').Signaling} options.signaling
   * @param {Token} options.token
   * @param {() => object} options.request the message that asks, but for the token
   * @param {(code: string, message: string) => void} options.giveUp
   */
  constructor({ signaling, token, request, giveUp }) {
    this.#signaling = signaling
    this.#token = token
    this.#request = request
    this.#giveUp = giveUp
    this.admitted = new Promise((resolve, reject) => {
      this.#admit = resolve
      this.#refuse = reject
    })
    // Who does not join by a promise listens to events.
    this.admitted.catch(() => {})
    signaling.on('open', () => {
      clearTimeout(this.#timer)
      void this.#ask()
    })
  }

  /** @param {AbortSignal} [signal] ends it while it has not succeeded */
  begin(signal) {
    const abort = () => this.#giveUp('aborted', 'joining was given up')
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    const settled = () => signal?.removeEventListener('abort', abort)
    this.admitted.then(settled, settled)
    this.#timer = setTimeout(() => this.#giveUp('unreachable', 'the server cannot be reached'), UNREACHABLE_MS)
    this.#signaling.connect()
  }

  /** There was no place for the moment. */
  askAgain() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#ask(), AGAIN_MS)
  }

  succeed() {
    this.#admit()
  }

  /** @param {Error} error */
  close(error) {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#refuse(error)
  }

  async #ask() {
    const attempt = ++this.#attempts
    try {
      const token = typeof this.#token === 'function' ? await this.#token() : this.#token
      if (attempt !== this.#attempts || this.#closed) return
      this.#signaling.send({ type: 'join', ...this.#request(), ...(token && { token }) })
    } catch (error) {
      this.#giveUp('no-token', `there is no token to join with: ${/** @type {Error} */ (error).message}`)
    }
  }
}
