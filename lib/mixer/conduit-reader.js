'use strict'

const { Readable } = require('node:stream')
const { Conduit } = require('./conduit.js')
const { MediaLoomError } = require('../object/error.js')
const { kConstruct, kHandle, kWrap } = require('../object/internal.js')

/**
 * A stream of what a mixer gives: sound or pictures. Node's buffer holds one thing and the engine's
 * the rest, which loses the oldest when it is full.
 */
class ConduitReader extends Readable {
  #conduit
  #waiting = false

  constructor(key, mixer, native, options) {
    if (key !== kConstruct) throw new MediaLoomError('ERR_INVALID_STATE', 'readers are made by a mixer or a port')
    super({ ...options, highWaterMark: 1, emitClose: true })
    this.#conduit = new Conduit(mixer, native, this)
  }

  /** Things that were lost because they were not read in time. */
  get dropped() {
    return this.#conduit.native.dropped
  }

  /** Ends when the stream is destroyed without an error, too: whoever destroys it expects no other. */
  async *[Symbol.asyncIterator]() {
    try {
      yield* super[Symbol.asyncIterator]()
    } catch (error) {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' || this.errored !== null) throw error
    }
  }

  _read() {
    const item = this.#conduit.native.take()
    this.#waiting = item === null
    if (item !== null) this.push(this[kWrap](item))
    else if (this.#conduit.over) this.push(null)
  }

  _destroy(error, callback) {
    this.#conduit.release()
    callback(error)
  }

  [kHandle](event) {
    this.#conduit.handle(event)
    if (this.#waiting) this._read()
  }
}

module.exports = { ConduitReader }
