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
    const now = this.now()
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#refilled) / 1000) * this.perSecond)
    this.#refilled = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
