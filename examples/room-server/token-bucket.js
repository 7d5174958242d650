/** Lets so many through at once and so many a second over a longer time. */
export class TokenBucket {
  #tokens
  #refilled

  /**
   * @param {{ perSecond: number, burst: number, now?: () => number }} options `now` in milliseconds
   */
  constructor({ perSecond, burst, now = () => performance.now() }) {
    this.perSecond = perSecond
    this.burst = burst
    this.now = now
    this.#tokens = burst
    this.#refilled = now()
  }

  /** @returns {boolean} whether there was a token left */
  take() {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /**
   * Takes what was used already, whether or not there was so much.
   * @param {number} count
   * @returns {number} seconds until the debt is paid, 0 without one
   */
  spend(count) {
    this.#refill()
    this.#tokens -= count
    return this.#tokens < 0 ? -this.#tokens / this.perSecond : 0
  }

  /** Seconds until there is a token, 0 when there is one. */
  get wait() {
    this.#refill()
    return this.#tokens < 1 ? (1 - this.#tokens) / this.perSecond : 0
  }

  /** Whether nothing was taken lately. */
  get full() {
    this.#refill()
    return this.#tokens >= this.burst
  }

  #refill() {
    const now = this.now()
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#refilled) / 1000) * this.perSecond)
    this.#refilled = now
  }
}
