'use strict'

const { kDispatcher, kListenLevels } = require('../object/internal.js')
const { SourceTrack } = require('../track/source-track.js')

/** What a mixer makes: an outgoing track, or a port of another mixer, attaches to it. */
class MixedTrack extends SourceTrack {
  #mixer
  #port
  #kind
  #encodings
  #codecs
  #rids

  constructor(key, mixer, port, kind, made) {
    super(key, made?.id, mixer?.[kDispatcher])
    this.#mixer = mixer
    this.#port = port
    this.#kind = kind
    this.#encodings = Object.freeze(
      made.encodings.map(({ codec, rid, ssrc }) => Object.freeze({ rid: rid ?? null, ssrc, active: true, codec }))
    )
    this.#codecs = Object.freeze([...new Set(this.#encodings.map(({ codec }) => codec))])
    this.#rids = Object.freeze([...new Set(this.#encodings.flatMap(({ rid }) => rid ?? []))])
  }

  [kListenLevels](native, wanted) {
    native.listenMixedLevels(this.#mixer.id, this.id, wanted)
  }

  get [kDispatcher]() {
    return this.#mixer[kDispatcher]
  }

  get endpoint() {
    return this.#mixer.endpoint
  }

  get mixer() {
    return this.#mixer
  }

  get port() {
    return this.#port
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

module.exports = { MixedTrack }
