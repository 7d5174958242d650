'use strict'

const check = require('./check.js')
const { announce, mark } = require('./closing.js')
const { emit } = require('./emit.js')
const { callNative } = require('./error.js')
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

/** What a peer sends on one m-line. */
class IncomingTrack extends MediaObject {
  #stream
  #info
  #muted = false
  #encodings = []
  #demand = []
  #transponders = new Set()
  #detectors = new Set()

  constructor(key, stream, info) {
    super(key, info?.id)
    this.#stream = stream
    this.#info = info
    Object.freeze(info.codecs)
    Object.freeze(info.rids)
    this[kDispatcher].add(this.id, this)
    whileListened(this, 'audiolevel', wanted => {
      this[kDispatcher].insist(native => native.listenLevels(this.transport.id, this.id, wanted))
    })
  }

  get [kDispatcher]() {
    return this.transport[kDispatcher]
  }

  get transport() {
    return this.#stream.transport
  }

  get endpoint() {
    return this.transport.endpoint
  }

  get stream() {
    return this.#stream
  }

  get kind() {
    return this.#info.kind
  }

  get mid() {
    return this.#info.mid
  }

  get trackId() {
    return this.#info.track
  }

  get muted() {
    return this.#muted
  }

  get codecs() {
    return this.#info.codecs
  }

  get rids() {
    return this.#info.rids
  }

  get encodings() {
    return [...this.#encodings]
  }

  get demand() {
    return this.#demand
  }

  get transponders() {
    return [...this.#transponders]
  }

  requestKeyframe(rid) {
    check.optional(check.nonEmptyString, rid, undefined, 'rid')
    check.open(this)
    callNative(() => this[kDispatcher].native.requestKeyframe(this.transport.id, this.id, rid))
  }

  close() {
    if (this.closed) return
    const dispatcher = this[kDispatcher]
    dispatcher.insist(native => native.removeIncomingTrack(this.transport.id, this.id))
    const marked = mark(this, 'closed')
    dispatcher.later(() => announce(marked))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'encoding':
        this.#setEncoding(Object.freeze(event.encoding))
        emit(this, 'encoding', event.encoding)
        break
      case 'demand':
        this.#demand = Object.freeze(event.encodings.map(Object.freeze))
        emit(this, 'demand', this.#demand)
        break
      case 'audioLevel':
        emit(this, 'audiolevel', { level: event.level, voice: event.voice })
        break
      case 'incomingTrackMuted':
        if (event.muted === this.#muted) break
        this.#muted = event.muted
        emit(this, event.muted ? 'mute' : 'unmute')
        break
      case 'incomingTrackClosed':
        announce(mark(this, event.reason))
        break
    }
  }

  [kAdd](transponder) {
    this.#transponders.add(transponder)
  }

  [kRemove](transponder) {
    this.#transponders.delete(transponder)
  }

  [kChildren]() {
    return this.transponders
  }

  [kWatch](detector) {
    this.#detectors.add(detector)
  }

  [kUnwatch](detector) {
    this.#detectors.delete(detector)
  }

  [kForget](reason, marked) {
    for (const detector of this.#detectors) detector[kLeave](this)
    this[kDispatcher].remove(this.id)
    this.#stream[kRemove](this, reason, marked)
  }

  /** A RID may come with another SSRC after the sender restarted. */
  #setEncoding(encoding) {
    const same = other => other.ssrc === encoding.ssrc || (encoding.rid !== null && other.rid === encoding.rid)
    const index = this.#encodings.findIndex(same)
    if (index < 0) this.#encodings.push(encoding)
    else this.#encodings[index] = encoding
  }
}

module.exports = { IncomingTrack }
