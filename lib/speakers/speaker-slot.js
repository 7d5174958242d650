'use strict'

const { emit } = require('../object/emit.js')
const { kDispatcher, kForget, kHandle } = require('../object/internal.js')
const { Source } = require('../track/source.js')

/** What outgoing tracks are attached to that send whoever has it. */
class SpeakerSlot extends Source {
  #slots
  #kind
  #track = null

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

  [kHandle](event) {
    const track = event.track === null ? null : (this[kDispatcher].find(event.track) ?? null)
    if (track === this.#track) return
    this.#track = track
    emit(this, 'change', track)
    this.#slots[kHandle](this)
  }

  [kForget]() {
    this[kDispatcher].remove(this.id)
  }
}

module.exports = { SpeakerSlot }
