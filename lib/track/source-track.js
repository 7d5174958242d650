'use strict'

const check = require('../object/check.js')
const { emit } = require('../object/emit.js')
const { kDispatcher, kForget, kHandle, kLeave, kUnwatch, kWatch } = require('../object/internal.js')
const { Source } = require('./source.js')
const { whileListened } = require('../object/while-listened.js')

/** A track that comes from a peer, a mixer or a player. */
class SourceTrack extends Source {
  /** Detectors and ports that have to know when it closes. */
  #watchers = new Set()

  /** `listenLevels(native, wanted)` has the engine tell of levels, or not. */
  constructor(key, id, dispatcher, listenLevels) {
    super(key, id)
    dispatcher.add(id, this)
    whileListened(this, 'audiolevel', wanted => dispatcher.insist(native => listenLevels(native, wanted)))
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

  [kWatch](watcher) {
    this.#watchers.add(watcher)
  }

  [kUnwatch](watcher) {
    this.#watchers.delete(watcher)
  }

  [kForget]() {
    for (const watcher of this.#watchers) watcher[kLeave](this)
    const dispatcher = /** @type {any} */ (this[kDispatcher])
    dispatcher.remove(this.id)
  }
}

module.exports = { SourceTrack }
