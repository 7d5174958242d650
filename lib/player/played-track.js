'use strict'

const { kDispatcher } = require('../object/internal.js')
const { SourceTrack } = require('../track/source-track.js')

/** A track of what a player plays: anything attaches to it as to an incoming track. */
class PlayedTrack extends SourceTrack {
  #player
  #kind
  #encodings
  #codecs
  #reordered

  constructor(key, player, kind, made) {
    // Nobody looks into what is played, so that there is no level to tell.
    super(key, made?.id, player?.[kDispatcher])
    this.#player = player
    this.#kind = kind
    this.#encodings = Object.freeze([Object.freeze({ rid: null, ssrc: made.ssrc, active: true, codec: made.codec })])
    this.#codecs = Object.freeze([made.codec])
    this.#reordered = made.reordered
  }

  get [kDispatcher]() {
    return this.#player[kDispatcher]
  }

  get endpoint() {
    return this.#player.endpoint
  }

  get player() {
    return this.#player
  }

  get kind() {
    return this.#kind
  }

  get codecs() {
    return this.#codecs
  }

  get rids() {
    return Object.freeze([])
  }

  get reordered() {
    return this.#reordered
  }

  get encodings() {
    return this.#encodings
  }
}

module.exports = { PlayedTrack }
