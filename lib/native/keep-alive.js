'use strict'

/** Longest delay a timer takes. It never matters: the timer only has to be there. */
const FOREVER = 2 ** 31 - 1

/** What is held is not collected. */
const held = new Set()

/** Keeps an object and the process alive while something holds it. */
class KeepAlive {
  #object
  #holders = 0
  #timer = null

  constructor(object) {
    this.#object = object
  }

  hold() {
    if (++this.#holders > 1) return
    held.add(this.#object)
    this.#timer = setInterval(() => {}, FOREVER)
  }

  release() {
    if (--this.#holders > 0) return
    held.delete(this.#object)
    clearInterval(this.#timer)
  }
}

module.exports = { KeepAlive }
