'use strict'

const { emit } = require('./emit.js')
const { kAdd, kChildren, kDispatcher, kForget, kHandle, kRemove } = require('./internal.js')
const { MediaObject } = require('./media-object.js')

/** What outgoing tracks are attached to that send whoever has it. */
class SpeakerSlot extends MediaObject {
  #slots
  #kind
  #track = null
  #transponders = new Set()

  constructor(key, slots, kind, id) {
    super(key, id)
    this.#slots = slots
    this.#kind = kind
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#slots[kDispatcher]
  }

  get slots() {
    return this.#slots
  }

  get kind() {
    return this.#kind
  }

  get track() {
    return this.#track
  }

  get transponders() {
    return [...this.#transponders]
  }

  [kHandle](event) {
    const track = event.track === null ? null : (this[kDispatcher].find(event.track) ?? null)
    if (track === this.#track) return
    this.#track = track
    emit(this, 'change', track)
    this.#slots[kHandle](this)
  }

  [kAdd](transponder) {
    this.#transponders.add(transponder)
  }

  [kRemove](transponder) {
    this.#transponders.delete(transponder)
  }

  [kChildren]() {
    return this.transponders
  }

  [kForget]() {
    this[kDispatcher].remove(this.id)
  }
}

module.exports = { SpeakerSlot }
