'use strict'

const { Readable } = require('node:stream')
const { MediaLoomError } = require('./error.js')
const { kConstruct, kDispatcher, kHandle, kWrap } = require('./internal.js')

/**
 * A stream of what a mixer gives: sound or pictures. Node's buffer holds one thing and the engine's
 * the rest, which loses the oldest when it is full.
 */
class ConduitReader extends Readable {
  #mixer
  #conduit
  #waiting = false
  #over = false

  constructor(key, mixer, conduit, options) {
    if (key !== kConstruct) throw new MediaLoomError('ERR_INVALID_STATE', 'readers are made by a mixer or a port')
    super({ ...options, highWaterMark: 1, emitClose: true })
    this.#mixer = mixer
    this.#conduit = conduit
    mixer[kDispatcher].add(conduit.id, this)
  }

  /** Things that were lost because they were not read in time. */
  get dropped() {
    return this.#conduit.dropped
  }

  _read() {
    const item = this.#conduit.take()
    this.#waiting = item === null
    if (item !== null) this.push(this[kWrap](item))
    else if (this.#over) this.push(null)
  }

  _destroy(error, callback) {
    const dispatcher = this.#mixer[kDispatcher]
    dispatcher.remove(this.#conduit.id)
    if (!this.#over && !this.#mixer.closed) {
      dispatcher.insist(native => native.removeConduit(this.#mixer.id, this.#conduit.id))
    }
    callback(error)
  }

  [kHandle](event) {
    if (event.type === 'conduitClosed') this.#over = true
    if (this.#waiting) this._read()
  }
}

module.exports = { ConduitReader }
