'use strict'

const { kListenLevels } = require('../object/internal.js')
const { MadeTrack } = require('../track/made-track.js')

/** What a mixer makes: an outgoing track, or a port of another mixer, attaches to it. */
class MixedTrack extends MadeTrack {
  #mixer
  #port

  constructor(key, mixer, port, kind, made) {
    super(key, mixer, kind, made)
    this.#mixer = mixer
    this.#port = port
  }

  [kListenLevels](native, wanted) {
    native.listenMixedLevels(this.#mixer.id, this.id, wanted)
  }

  get mixer() {
    return this.#mixer
  }

  get port() {
    return this.#port
  }
}

module.exports = { MixedTrack }
