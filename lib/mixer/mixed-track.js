'use strict'

const { MadeTrack } = require('../track/made-track.js')

/** What a mixer makes: an outgoing track, or a port of another mixer, attaches to it. */
class MixedTrack extends MadeTrack {
  #mixer
  #port

  constructor(key, mixer, port, kind, made) {
    super(key, mixer, kind, made, (native, wanted) => native.listenMixedLevels(mixer.id, this.id, wanted))
    this.#mixer = mixer
    this.#port = port
  }

  get mixer() {
    return this.#mixer
  }

  get port() {
    return this.#port
  }
}

module.exports = { MixedTrack }
