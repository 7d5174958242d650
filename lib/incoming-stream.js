'use strict'

const { mark } = require('./closing.js')
const { emit } = require('./emit.js')
const { kAdd, kChildren, kForget, kRemove } = require('./internal.js')
const { MediaObject } = require('./media-object.js')

/** Tracks of a peer that belong together (one MSID, RFC 8830). Closes with its last track. */
class IncomingStream extends MediaObject {
  #transport
  #tracks = new Set()

  constructor(key, transport, id) {
    super(key, id)
    this.#transport = transport
  }

  get transport() {
    return this.#transport
  }

  get tracks() {
    return [...this.#tracks]
  }

  get audio() {
    return this.tracks.filter(track => track.kind === 'audio')
  }

  get video() {
    return this.tracks.filter(track => track.kind === 'video')
  }

  [kAdd](track) {
    this.#tracks.add(track)
    emit(this, 'track', track)
  }

  [kRemove](track, reason, marked) {
    this.#tracks.delete(track)
    if (this.#tracks.size === 0) mark(this, reason, marked)
  }

  [kChildren]() {
    return this.tracks
  }

  [kForget]() {
    this.#transport[kRemove](this)
  }
}

module.exports = { IncomingStream }
