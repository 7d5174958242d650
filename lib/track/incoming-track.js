'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { callNative } = require('../object/error.js')
const { kDispatcher, kForget, kHandle, kListenLevels, kRemove } = require('../object/internal.js')
const { SourceTrack } = require('./source-track.js')

/** What a peer sends on one m-line. */
class IncomingTrack extends SourceTrack {
  #stream
  #info
  #muted = false
  #withheld = false
  /** Encodings by their places: a RID may come with another SSRC, and an SSRC without a RID. */
  #places = []
  #demand = []

  constructor(key, stream, info) {
    super(key, info?.id, stream?.transport[kDispatcher])
    this.#stream = stream
    this.#info = info
    Object.freeze(info.codecs)
    Object.freeze(info.rids)
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

  get withheld() {
    return this.#withheld
  }

  get codecs() {
    return this.#info.codecs
  }

  get rids() {
    return this.#info.rids
  }

  get reordered() {
    return this.#info.reordered
  }

  get encodings() {
    // Those that have not sent yet have left gaps.
    return this.#places.filter(Boolean)
  }

  get demand() {
    return this.#demand
  }

  requestKeyframe(rid) {
    check.optional(check.nonEmptyString, rid, undefined, 'rid')
    check.open(this)
    callNative(() => this[kDispatcher].native.requestKeyframe(this.transport.id, this.id, rid))
  }

  withhold(withheld = true) {
    check.boolean(withheld, 'withheld')
    check.open(this)
    if (withheld === this.#withheld) return
    this.#withheld = withheld
    // What holds when it gets through, which may be later.
    this[kDispatcher].insist(native => native.withhold(this.transport.id, this.id, this.#withheld))
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.removeIncomingTrack(this.transport.id, this.id)))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'encoding':
        this.#places[event.place] = Object.freeze(event.encoding)
        emit(this, 'encoding', event.encoding)
        break
      case 'demand':
        this.#demand = Object.freeze(event.encodings.map(Object.freeze))
        emit(this, 'demand', this.#demand)
        break
      case 'telephoneEvent': {
        const { event: code, key, duration, volume } = event
        emit(this, 'telephoneevent', { event: code, key: key ?? null, duration: Math.round(duration), volume })
        break
      }
      case 'incomingTrackMuted':
        if (event.muted === this.#muted) break
        this.#muted = event.muted
        emit(this, event.muted ? 'mute' : 'unmute')
        break
      case 'incomingTrackClosed':
        announce(mark(this, event.reason))
        break
      default:
        super[kHandle](event)
    }
  }

  [kListenLevels](native, wanted) {
    native.listenLevels(this.transport.id, this.id, wanted)
  }

  [kForget](reason, marked) {
    super[kForget]()
    this.#stream[kRemove](this, reason, marked)
  }
}

module.exports = { IncomingTrack }
