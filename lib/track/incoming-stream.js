'use strict'

const { mark } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { kAdd, kRemove } = require('../object/internal.js')
const { MediaStream } = require('./media-stream.js')

/** Tracks of a peer that belong together. Closes with its last track. */
class IncomingStream extends MediaStream {
  [kAdd](track) {
    super[kAdd](track)
    emit(this, 'track', track)
  }

  [kRemove](track, reason, marked) {
    super[kRemove](track)
    if (this.tracks.length === 0) mark(this, reason, marked)
  }
}

module.exports = { IncomingStream }
