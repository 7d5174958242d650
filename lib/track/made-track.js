'use strict'

const { kDispatcher } = require('../object/internal.js')
const { SourceTrack } = require('./source-track.js')

/** A track that this side makes, of which everything is known from the beginning. `owner` is what makes it. */
class MadeTrack extends SourceTrack {
  #owner
  #kind
  #encodings
  #codecs
  #rids

  /** `made` has the encodings, or is the only one. */
  constructor(key, owner, kind, made) {
    super(key, made?.id, owner?.[kDispatcher])
    this.#owner = owner
    this.#kind = kind
    const encodings = made.encodings ?? [made]
    this.#encodings = Object.freeze(encodings.map(({ codec, rid, ssrc }) => Object.freeze({ rid: rid ?? null, ssrc, active: true, codec })))
    this.#codecs = Object.freeze([...new Set(this.#encodings.map(({ codec }) => codec))])
    this.#rids = Object.freeze([...new Set(this.#encodings.flatMap(({ rid }) => rid ?? []))])
  }

  get [kDispatcher]() {
    return this.#owner[kDispatcher]
  }

  get endpoint() {
    return this.#owner.endpoint
  }

  get kind() {
    return this.#kind
  }

  get codecs() {
    return this.#codecs
  }

  get rids() {
    return this.#rids
  }

  get encodings() {
    return this.#encodings
  }
}

module.exports = { MadeTrack }
