'use strict'

const { announce, mark } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { kForget, kHandle, kListenLevels, kRemove } = require('../object/internal.js')
const { MadeTrack } = require('../track/made-track.js')

/** What an encoder pushes or a camera sends: an outgoing track, a port of a mixer or a recorder attaches to it. */
class InputTrack extends MadeTrack {
  #input
  #width
  #height
  #reordered
  #muted = false
  #told = null

  constructor(key, input, made) {
    super(key, input, made?.kind, made)
    this.#input = input
    this.#width = made.width ?? null
    this.#height = made.height ?? null
    this.#reordered = made.reordered
  }

  get input() {
    return this.#input
  }

  get encodings() {
    return this.#told ?? super.encodings
  }

  get width() {
    return this.#width
  }

  get height() {
    return this.#height
  }

  get reordered() {
    return this.#reordered
  }

  get muted() {
    return this.#muted
  }

  [kListenLevels](native, wanted) {
    this.#input[kListenLevels](native, this.id, wanted)
  }

  [kHandle](event) {
    if (event.type === 'inputTrackClosed') announce(mark(this, 'error'))
    else if (event.type === 'encoding') this.#told = Object.freeze([Object.freeze(event.encoding)])
    else if (event.type === 'inputTrackMuted') {
      if (event.muted === this.#muted) return
      this.#muted = event.muted
      emit(this, event.muted ? 'mute' : 'unmute')
    } else super[kHandle](event)
  }

  [kForget]() {
    super[kForget]()
    this.#input[kRemove](this)
  }
}

module.exports = { InputTrack }
