'use strict'

const check = require('../object/check.js')
const { emit } = require('../object/emit.js')
const { kDispatcher, kForget, kHandle, kLeave, kListenLevels, kUnwatch, kWatch } = require('../object/internal.js')
const { Source } = require('./source.js')
const { whileListened } = require('../object/while-listened.js')

const listenLevels = whileListened('audiolevel', (track, wanted) =>
  track[kDispatcher].insist(native => track[kListenLevels](native, wanted))
)

/** A track that comes from a peer, a mixer or a player. */
class SourceTrack extends Source {
  /** Detectors and ports that have to know when it closes; most tracks have none. */
  #watchers = null

  constructor(key, id, dispatcher) {
    super(key, id)
    dispatcher.add(id, this)
    listenLevels(this)
  }

  /** Each kind of track has its own. @abstract @returns {'audio' | 'video'} */
  get kind() {
    throw new TypeError('a track has a kind')
  }

  /** @abstract @returns {import('../../index.js').Endpoint} */
  get endpoint() {
    throw new TypeError('a track has an endpoint')
  }

  forgetPast() {
    check.open(this)
    const dispatcher = /** @type {any} */ (this[kDispatcher])
    dispatcher.insist(native => native.forgetPast(this.id))
  }

  [kHandle](event) {
    if (event.type === 'audioLevel') emit(this, 'audiolevel', { level: event.level, voice: event.voice })
  }

  /** Tracks that have levels tell the engine. @abstract */
  [kListenLevels](_native, _wanted) {}

  [kWatch](watcher) {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
  }

  [kUnwatch](watcher) {
    this.#watchers?.delete(watcher)
  }

  [kForget]() {
    for (const watcher of this.#watchers ?? []) watcher[kLeave](this)
    const dispatcher = /** @type {any} */ (this[kDispatcher])
    dispatcher.remove(this.id)
  }
}

module.exports = { SourceTrack }
