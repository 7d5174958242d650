import { signWebhook } from 'medialoom/auth'

/** Events that wait for one URL, in all rooms together. */
const MAX_WAITING = 1000
/** Requests to one URL at once: each room's events go one after the other. */
const MAX_AT_ONCE = 8
/** Milliseconds for an answer. */
const TIMEOUT_MS = 5000
/** Milliseconds before a second try, and the most between two. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** Tries of one event: some ten minutes. */
const MAX_TRIES = 16
/** An event that was given up is told in the log once in so many milliseconds. */
const COMPLAINT_MS = 10_000

/**
 * Tells one URL what happens, in the order in which it happens in each room. A receiver that is slow or
 * gone holds up nobody but itself: what waits for it is bounded, and the numbers of the events show
 * what it has missed.
 */
export class Webhook {
  sent = 0
  failed = 0
  dropped = 0
  #url
  #keys
  #options
  /** Bodies by room, in order; the first of a room that is being sent stays until it was taken. @type {Map<string, string[]>} */
  #rooms = new Map()
  #waiting = 0
  /** Rooms of which an event is on its way, or waits for its next try. @type {Set<string>} */
  #busy = new Set()
  /** How often the first event of a room was tried in vain. @type {Map<string, number>} */
  #tries = new Map()
  #running = 0
  #closed = false
  #complained = -Infinity
  #abort = new AbortController()

  /**
   * @param {string} url
   * @param {import('medialoom/auth').KeyRing} keys that sign
   * @param {Partial<{ maxWaiting: number, timeout: number, firstPause: number, longestPause: number, maxTries: number }>} [options]
   */
  constructor(url, keys, options = {}) {
    this.#url = url
    this.#keys = keys
    this.#options = {
      maxWaiting: MAX_WAITING,
      timeout: TIMEOUT_MS,
      firstPause: FIRST_PAUSE_MS,
      longestPause: LONGEST_PAUSE_MS,
      maxTries: MAX_TRIES,
      ...options
    }
  }

  /** Events that wait, those on their way included. */
  get waiting() {
    return this.#waiting
  }

  /**
   * @param {string} room that the event is of
   * @param {object} event
   */
  push(room, event) {
    if (this.#closed) return
    if (this.#waiting >= this.#options.maxWaiting) {
      this.dropped += 1
      return
    }
    this.#waiting += 1
    const queue = this.#rooms.get(room)
    if (queue) queue.push(JSON.stringify(event))
    else this.#rooms.set(room, [JSON.stringify(event)])
    this.#next()
  }

  /**
   * Sends what waits, for so long at most.
   * @param {number} patience milliseconds
   */
  async close(patience) {
    const deadline = performance.now() + patience
    while (this.#waiting > 0 && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20))
    this.#closed = true
    this.#abort.abort()
    this.dropped += this.#waiting
    this.#waiting = 0
    this.#rooms.clear()
  }

  /** Starts with as many rooms as may be at work. */
  #next() {
    for (const room of this.#rooms.keys()) {
      if (this.#running >= MAX_AT_ONCE || this.#closed) return
      if (!this.#busy.has(room)) void this.#send(room)
    }
  }

  /** The first event of a room. @param {string} room */
  async #send(room) {
    const queue = this.#rooms.get(room)
    if (!queue) return
    this.#busy.add(room)
    this.#running += 1
    const problem = await this.#deliver(queue[0])
    this.#running -= 1
    if (this.#closed) return
    // To the end of the line, so that a busy room keeps no other waiting.
    this.#rooms.delete(room)
    this.#rooms.set(room, queue)
    const attempt = (this.#tries.get(room) ?? 0) + 1
    if (problem !== null && attempt < this.#options.maxTries) {
      this.#tries.set(room, attempt)
      // The room waits for its next try, and the others do not: perhaps it is this event that is not taken.
      setTimeout(() => {
        this.#busy.delete(room)
        this.#next()
      }, this.#pause(attempt)).unref()
      this.#next()
      return
    }
    if (problem === null) this.sent += 1
    else this.#giveUp(problem)
    this.#tries.delete(room)
    this.#busy.delete(room)
    this.#waiting -= 1
    queue.shift()
    if (queue.length === 0) this.#rooms.delete(room)
    this.#next()
  }

  /** @param {string} body @returns {Promise<string | null>} why it was not taken */
  async #deliver(body) {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/webhook+json', Authorization: await signWebhook(this.#keys, body) },
        body,
        // A redirect would send it where nobody said that it should go.
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeout), this.#abort.signal])
      })
      // What is said is of no interest, but the connection is free only when it was read or given up.
      await response.body?.cancel()
      return response.ok ? null : `status ${response.status}`
    } catch (error) {
      const { cause, message } = /** @type {Error} */ (error)
      return cause instanceof Error ? cause.message : message
    }
  }

  /** Doubled with each try, and not the same for all, so that they do not come at once. @param {number} attempt */
  #pause(attempt) {
    const { firstPause, longestPause } = this.#options
    return Math.min(longestPause, firstPause * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2)
  }

  /** @param {string} problem */
  #giveUp(problem) {
    this.failed += 1
    const now = performance.now()
    if (now - this.#complained < COMPLAINT_MS) return
    this.#complained = now
    console.error(`webhook ${new URL(this.#url).origin}: ${this.failed} events were given up, the last for ${problem.slice(0, 200)}`)
  }
}
