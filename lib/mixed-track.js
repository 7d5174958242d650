'use strict'

const { emit } = require('./emit.js')
const {
  kAdd,
  kChildren,
  kDispatcher,
  kForget,
  kHandle,
  kLeave,
  kRemove,
  kUnwatch,
  kWatch
} = require('./internal.js')
const { MediaObject } = require('./media-object.js')
const { whileListened } = require('./while-listened.js')

/** What a mixer makes: an outgoing track, or a port of another mixer, attaches to it. */
class MixedTrack extends MediaObject {
  #mixer
  #port
  #kind
  #encodings
  #codecs
  #rids
  #transponders = new Set()
  #watchers = new Set()

  constructor(key, mixer, port, kind, made) {
    super(key, made?.id)
    this.#mixer = mixer
    this.#port = port
    this.#kind = kind
    this.#encodings = Object.freeze(
      made.encodings.map(({ codec, rid, ssrc }) => Object.freeze({ rid: rid ?? null, ssrc, active: true, codec }))
    )
    this.#codecs = Object.freeze([...new Set(this.#encodings.map(({ codec }) => codec))])
    this.#rids = Object.freeze([...new Set(this.#encodings.flatMap(({ rid }) => rid ?? []))])
    this[kDispatcher].add(this.id, this)
    whileListened(this, 'audiolevel', wanted => {
      this[kDispatcher].insist(native => native.listenMixedLevels(mixer.id, this.id, wanted))
    })
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

  get transponders() {
    return [...this.#transponders]
  }

  [kHandle](event) {
    if (event.type === 'audioLevel') emit(this, 'audiolevel', { level: event.level, voice: event.voice })
  }

  [kAdd](transponder) {
    this.#transponders.add(transponder)
  }

  [kRemove](transponder) {
    this.#transponders.delete(transponder)
  }

  [kWatch](watcher) {
    this.#watchers.add(watcher)
  }

  [kUnwatch](watcher) {
    this.#watchers.delete(watcher)
  }

  [kChildren]() {
    return this.transponders
  }

  [kForget]() {
    for (const watcher of this.#watchers) watcher[kLeave](this)
    this[kDispatcher].remove(this.id)
  }
}

module.exports = { MixedTrack }
