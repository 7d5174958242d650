'use strict'

const check = require('../object/check.js')
const { announce, mark } = require('../object/closing.js')
const { emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kConstruct, kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** One of the streams that players choose from: what feeds it may change, and be nothing for a while. */
class Rendition extends MediaObject {
  #hls
  #kind
  #source

  constructor(key, hls, made, appData) {
    super(key, made?.id, appData)
    this.#hls = hls
    this.#kind = made.track.kind
    this[kDispatcher].add(this.id, this)
    this.#setSource(made.track)
  }

  get [kDispatcher]() {
    return this.#hls[kDispatcher]
  }

  get hls() {
    return this.#hls
  }

  get kind() {
    return this.#kind
  }

  get source() {
    return this.#source
  }

  attachTo(track) {
    this.#hls[kConstruct](track)
    check.open(this)
    if (track.kind !== this.#kind) throw check.invalid('track', `a track of ${this.#kind}`, track)
    if (track === this.#source) return this
    callNative(() => this.#native.attachRendition(this.#hls.id, this.id, track.id))
    this.#setSource(track)
    return this
  }

  detach() {
    check.open(this)
    if (!this.#source) return
    callNative(() => this.#native.attachRendition(this.#hls.id, this.id, undefined))
    this.#setSource(null)
  }

  [kHandle](event) {
    if (event.type === 'renditionError') {
      emitError(this, fromNative(event.error))
      announce(mark(this, 'error'))
    }
  }

  /** Its source closed: nothing comes until it gets another one. */
  [kLeave](track) {
    if (this.#source === track) this.#source = null
  }

  [kForget]() {
    this.#setSource(null)
    this[kDispatcher].remove(this.id)
    this.#hls[kRemove](this)
  }

  #setSource(track) {
    this.#source?.[kUnwatch](this)
    this.#source = track
    track?.[kWatch](this)
  }

  get #native() {
    return this[kDispatcher].native
  }
}

module.exports = { Rendition }
