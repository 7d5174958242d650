'use strict'

/**
 * @typedef {object} LinkConditions what is left out does not happen
 * @property {number} [bitrate] of the bottleneck, bits a second, headers of IP and UDP included
 * @property {number} [queue] milliseconds that the bottleneck may hold; what would wait longer is dropped. Default 300
 * @property {number} [delay] milliseconds
 * @property {number} [jitter] milliseconds, added to the delay at random from nothing to this
 * @property {boolean} [overtaking] jitter lets packets overtake each other; else they wait behind each other
 * @property {number} [reordering] 0 to 1: how many come `reorderingDelay` later than those after them
 * @property {number} [reorderingDelay] milliseconds. Default 20
 * @property {number} [duplication] 0 to 1
 * @property {number} [loss] 0 to 1, independent for each packet
 * @property {{ enter: number, leave: number, good: number, bad: number }} [bursts] Gilbert-Elliott: how probable
 *   a packet is to enter and to leave the bad state, and the loss in either; instead of `loss`
 */

/** What IPv4 and UDP add to a datagram. */
const HEADERS = 28

/** How long jitter stays what it is, on average: a delay drawn for each packet would be averaged away. */
const JITTER_HOLDS_MS = 80

/** One direction of a link. The same packets at the same times meet the same fate for the same seed. */
class Link {
  #seed
  #freeAt = 0
  #bad = false
  #jitter = 0
  #jitterUntil = -Infinity
  #lastArrival = -Infinity
  /** @type {LinkConditions} */
  conditions = {}
  counts = { passed: 0, lost: 0, dropped: 0, duplicated: 0 }

  /** @param {number} seed */
  constructor(seed) {
    this.#seed = seed >>> 0
  }

  /**
   * When a datagram that is sent now arrives: never, once or twice.
   * @param {number} now milliseconds
   * @param {number} length bytes of the datagram
   * @returns {number[]} milliseconds
   */
  carry(now, length) {
    const { bitrate, queue = 300, duplication = 0 } = this.conditions
    let departure = now
    if (bitrate !== undefined) {
      const start = Math.max(now, this.#freeAt)
      if (start - now > queue || bitrate <= 0) {
        this.counts.dropped++
        return []
      }
      departure = start + ((length + HEADERS) * 8 * 1000) / bitrate
      this.#freeAt = departure
    }
    if (this.#loses()) {
      this.counts.lost++
      return []
    }
    this.counts.passed++
    const arrivals = [this.#arrival(departure)]
    if (this.random() < duplication) {
      this.counts.duplicated++
      arrivals.push(this.#arrival(departure))
    }
    return arrivals
  }

  #loses() {
    const { loss = 0, bursts } = this.conditions
    if (!bursts) return this.random() < loss
    if (this.random() < (this.#bad ? bursts.leave : bursts.enter)) this.#bad = !this.#bad
    return this.random() < (this.#bad ? bursts.bad : bursts.good)
  }

  #arrival(departure) {
    const { delay = 0, jitter = 0, overtaking = false, reordering = 0, reorderingDelay = 20 } = this.conditions
    if (overtaking || departure >= this.#jitterUntil) {
      this.#jitter = jitter * this.random()
      this.#jitterUntil = departure - JITTER_HOLDS_MS * Math.log(1 - this.random())
    }
    const arrival = departure + delay + this.#jitter
    if (this.random() < reordering) return arrival + reorderingDelay
    if (overtaking) return arrival
    this.#lastArrival = Math.max(this.#lastArrival, arrival)
    return this.#lastArrival
  }

  /** A linear congruential generator (the numbers are those of Numerical Recipes). */
  random() {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
    return this.#seed / 2 ** 32
  }
}

/** Hands things over at their times, in the order of these. */
class Arrivals {
  #waiting = []
  #timer = null
  #handOver

  /** @param {(thing: any) => void} handOver */
  constructor(handOver) {
    this.#handOver = handOver
  }

  /** @param {number} at of `performance.now()` @param {any} thing */
  add(at, thing) {
    let index = this.#waiting.length
    while (index > 0 && this.#waiting[index - 1].at > at) index--
    this.#waiting.splice(index, 0, { at, thing })
    this.#run()
  }

  close() {
    clearTimeout(this.#timer)
    this.#waiting = []
  }

  #run() {
    clearTimeout(this.#timer)
    while (this.#waiting.length > 0 && this.#waiting[0].at <= performance.now()) {
      this.#handOver(this.#waiting.shift().thing)
    }
    if (this.#waiting.length === 0) return
    this.#timer = setTimeout(() => this.#run(), this.#waiting[0].at - performance.now())
  }
}

module.exports = { Arrivals, Link }
