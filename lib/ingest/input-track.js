'use strict'

const { announce, mark } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { kForget, kHandle, kRemove } = require('../object/internal.js')
const { MadeTrack } = require('../track/made-track.js')

/** What an encoder pushes: an outgoing track, a port of a mixer or a recorder attaches to it. */
class InputTrack extends MadeTrack {
  #input
  #width
  #height
  #reordered
  #muted = false

  constructor(key, input, made) {
    super(key, input, made?.kind, made, (native, wanted) => native.listenInputLevels(input.server.id, input.id, this.id, wanted))
    this.#input = input
    this.#width = made.width ?? null
    this.#height = made.height ?? null
    this.#reordered = made.reordered
  }

  get input() {
    return this.#input
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

  [kHandle](event) {
    if (event.type === 'inputTrackClosed') announce(mark(this, 'error'))
    else if (event.type === 'inputTrackMuted') {
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
