'use strict'

const { MadeTrack } = require('../track/made-track.js')

/** A track of what a player plays: anything attaches to it as to an incoming track. */
class PlayedTrack extends MadeTrack {
  #player
  #reordered

  constructor(key, player, kind, made) {
    // Nobody looks into what is played, so that there is no level to tell.
    super(key, player, kind, made)
    this.#player = player
    this.#reordered = made.reordered
  }

  get player() {
    return this.#player
  }

  get reordered() {
    return this.#reordered
  }
}

module.exports = { PlayedTrack }
