'use strict'

const { kAdd, kChildren, kForget, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** Tracks of one transport that belong together (one MSID, RFC 8830), whichever way they go. */
class MediaStream extends MediaObject {
  #transport
  #tracks = new Set()

  constructor(key, transport, id, appData) {
    super(key, id, appData)
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
  }

  [kRemove](track) {
    this.#tracks.delete(track)
  }

  [kChildren]() {
    return this.tracks
  }

  [kForget]() {
    this.#transport[kRemove](this)
  }
}

module.exports = { MediaStream }
