'use strict'

const { kDispatcher } = require('../object/internal.js')

/**
 * JavaScript's end of a queue of the engine's that sound or pictures cross in. Its events go to the
 * stream that reads or writes it.
 */
class Conduit {
  #mixer
  #native
  #over = false

  constructor(mixer, native, stream) {
    this.#mixer = mixer
    this.#native = native
    mixer[kDispatcher].add(native.id, stream)
  }

  get native() {
    return this.#native
  }

  /** The engine has closed its end. */
  get over() {
    return this.#over
  }

  handle(event) {
    if (event.type === 'conduitClosed') this.#over = true
  }

  /** Nobody reads or writes it any more. */
  release() {
    const dispatcher = this.#mixer[kDispatcher]
    dispatcher.remove(this.#native.id)
    if (!this.#over && !this.#mixer.closed) {
      dispatcher.insist(native => native.removeConduit(this.#mixer.id, this.#native.id))
    }
  }
}

module.exports = { Conduit }
