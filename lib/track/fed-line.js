'use strict'

const check = require('../object/check.js')
const { callNative } = require('../object/error.js')
const { kConstruct, kDispatcher, kForget, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** A line of something that takes tracks: what feeds it may change, and be nothing for a while. */
class FedLine extends MediaObject {
  #owner
  #kind
  #source = null
  #attach

  /** `attach(native, id)` has the engine feed it from a track, or from none. */
  constructor(key, owner, made, appData, attach) {
    super(key, made?.id, appData)
    this.#owner = owner
    this.#kind = made.track.kind
    this.#attach = attach
    this[kDispatcher].add(this.id, this)
    this.#setSource(made.track)
  }

  get [kDispatcher]() {
    return this.#owner[kDispatcher]
  }

  get kind() {
    return this.#kind
  }

  get source() {
    return this.#source
  }

  attachTo(track) {
    this.#owner[kConstruct](track)
    check.open(this)
    if (track.kind !== this.#kind) throw check.invalid('track', `a track of ${this.#kind}`, track)
    if (track === this.#source) return this
    callNative(() => this.#attach(this[kDispatcher].native, track.id))
    this.#setSource(track)
    return this
  }

  detach() {
    check.open(this)
    if (!this.#source) return
    callNative(() => this.#attach(this[kDispatcher].native, undefined))
    this.#setSource(null)
  }

  /** Its source closed: nothing comes until it gets another one. */
  [kLeave](track) {
    if (this.#source === track) this.#source = null
  }

  [kForget]() {
    this.#setSource(null)
    this[kDispatcher].remove(this.id)
    this.#owner[kRemove](this)
  }

  #setSource(track) {
    this.#source?.[kUnwatch](this)
    this.#source = track
    track?.[kWatch](this)
  }
}

module.exports = { FedLine }
