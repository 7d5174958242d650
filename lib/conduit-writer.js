'use strict'

const { Writable } = require('node:stream')
const { MediaLoomError } = require('./error.js')
const { kConstruct, kDispatcher, kHandle, kUnwrap } = require('./internal.js')

/** A stream that a port of a mixer takes. `write()` gives false while the engine has no room. */
class ConduitWriter extends Writable {
  #mixer
  #conduit
  #pending = null
  #over = false

  constructor(key, mixer, conduit) {
    if (key !== kConstruct) throw new MediaLoomError('ERR_INVALID_STATE', 'writers are made by a port of a mixer')
    super({ objectMode: true, highWaterMark: 1, decodeStrings: false })
    this.#mixer = mixer
    this.#conduit = conduit
    mixer[kDispatcher].add(conduit.id, this)
  }

  _write(chunk, _encoding, callback) {
    if (this.#over) {
      this.destroy()
      return callback(closed())
    }
    let offer
    try {
      offer = this[kUnwrap](this.#conduit, chunk)
    } catch (error) {
      return callback(error)
    }
    if (offer()) callback()
    else this.#pending = { offer, callback }
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
    const pending = this.#pending
    if (this.#over) {
      // A port that closes is no fault of its writer: whoever waits for a write hears of it, and the
      // stream closes without an `error`, which would end a process that does not listen for it.
      this.#pending = null
      this.destroy()
      pending?.callback(closed())
    } else if (pending?.offer()) {
      this.#pending = null
      pending.callback()
    }
  }
}

function closed() {
  return new MediaLoomError('ERR_CLOSED', 'the port is closed, or has another source')
}

module.exports = { ConduitWriter }
