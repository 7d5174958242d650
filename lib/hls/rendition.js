'use strict'

const { announce, close, mark } = require('../object/closing.js')
const { emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kHandle } = require('../object/internal.js')
const { FedLine } = require('../track/fed-line.js')

/** One of the streams that players choose from. */
class Rendition extends FedLine {
  #hls

  constructor(key, hls, made, appData) {
    super(key, hls, made, appData, (native, track) => native.attachRendition(hls.id, this.id, track))
    this.#hls = hls
  }

  get hls() {
    return this.#hls
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.removeRendition(this.#hls.id, this.id)))
  }

  [kHandle](event) {
    if (event.type === 'renditionError') {
      emitError(this, fromNative(event.error))
      announce(mark(this, 'error'))
    }
  }
}

module.exports = { Rendition }
