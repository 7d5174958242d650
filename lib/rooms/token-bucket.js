'use strict'

/** Lets so much through at once and so much a second over a longer time. */
class TokenBucket {
  #tokens
  #refilled

  /** @param {{ perSecond: number, burst: number, now?: () => number }} options `now` in milliseconds */
  constructor({ perSecond, burst, now = () => performance.now() }) {
    this.perSecond = perSecond
    this.burst = burst
    this.now = now
    this.#tokens = burst
    this.#refilled = now()
  }

  /**
   * @param {number} [count]
   * @returns {boolean} whether there were as many left; if not, none is taken
   */
  take(count = 1) {
    const now = this.now()
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#refilled) / 1000) * this.perSecond)
    this.#refilled = now
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }
}

exports.TokenBucket = TokenBucket
