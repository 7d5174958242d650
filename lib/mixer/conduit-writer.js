'use strict'

const { Writable } = require('node:stream')
const { Conduit } = require('./conduit.js')
const { emit } = require('../object/emit.js')
const { MediaLoomError } = require('../object/error.js')
const { kConstruct, kHandle, kUnwrap } = require('../object/internal.js')

/**
 * A stream that a port of a mixer takes. `write()` gives false while the engine has no room.
 *
 * A port that closes is no fault of its writer, so the stream closes without failing: an `error` that
 * nobody listens for would end the process. Whoever does listen is told, at that moment and by each
 * write afterwards, because they may be waiting for a `drain` that never comes.
 */
class ConduitWriter extends Writable {
  #conduit
  /** The write that waits for room. */
  #pending = null
  /** Called when the mixer has taken all. */
  #finish = null
  /** How many writes there were, how many came through, and how many of them were taken back. */
  #writes = 0
  #taken = 0
  #cleared = 0

  constructor(key, mixer, native) {
    if (key !== kConstruct) throw new MediaLoomError('ERR_INVALID_STATE', 'writers are made by a port of a mixer')
    super({ objectMode: true, highWaterMark: 1, decodeStrings: false })
    this.#conduit = new Conduit(mixer, native, this)
  }

  /**
   * Takes back all that was written and that the mixer did not play yet, of which at most a tick of
   * 20 ms goes on. Writes that waited succeed.
   */
  clear() {
    if (this.destroyed) return
    this.#cleared = this.#writes
    this.#conduit.native.clear()
    const pending = this.#pending
    this.#pending = null
    pending?.callback()
  }

  /** @param {[any]} given */
  write(...given) {
    const more = super.write(...given)
    this.#writes++
    if (this.destroyed) this.#tellClosed()
    return more
  }

  _write(chunk, _encoding, callback) {
    this.#taken++
    if (this.#taken <= this.#cleared) return callback()
    let offer
    try {
      offer = /** @type {any} */ (this)[kUnwrap](this.#conduit.native, chunk)
    } catch (error) {
      return callback(error)
    }
    if (offer()) callback()
    else this.#pending = { offer, callback }
  }

  _final(callback) {
    this.#finish = callback
    this.#conduit.native.finish()
  }

  _destroy(error, callback) {
    this.#conduit.release()
    callback(error)
  }

  [kHandle](event) {
    this.#conduit.handle(event)
    if (this.#conduit.over) {
      this.#over()
    } else if (this.#pending?.offer()) {
      const { callback } = this.#pending
      this.#pending = null
      callback()
    }
  }

  /** All was taken, or the port lets the rest go. */
  #over() {
    if (this.#finish && this.#conduit.native.waiting === 0) return this.#finish()
    const failed = this.#pending?.callback ?? this.#finish
    this.#pending = null
    this.#tellClosed()
    this.destroy()
    failed?.(closed())
  }

  /** Later, as any error of a stream: a caller may only now begin to listen. */
  #tellClosed() {
    process.nextTick(() => {
      if (this.listenerCount('error') > 0) emit(this, 'error', closed())
    })
  }
}

function closed() {
  return new MediaLoomError('ERR_CLOSED', 'the writer is closed, or its port is, or the port has another source')
}

module.exports = { ConduitWriter }
