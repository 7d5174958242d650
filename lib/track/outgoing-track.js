'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { MediaLoomError, callNative } = require('../object/error.js')
const { inOrder, isSourceTrack } = require('./taking.js')
const { kChildren, kConstruct, kDetach, kDispatcher, kForget, kHandle, kRemove, kSource, kSwitch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { SpeakerSlot } = require('../speakers/speaker-slot.js')
const { telephoneEvent } = require('./telephone-event.js')
const { Transponder } = require('./transponder.js')

/** What this side sends on one m-line. It carries whatever is attached to it. */
class OutgoingTrack extends MediaObject {
  #stream
  #kind
  #trackId
  #mid = null
  #transponder = null

  constructor(key, stream, info) {
    super(key, info?.id, info?.appData)
    this.#stream = stream
    this.#kind = info.kind
    this.#trackId = info.trackId
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.transport[kDispatcher]
  }

  get transport() {
    return this.#stream.transport
  }

  get stream() {
    return this.#stream
  }

  get kind() {
    return this.#kind
  }

  get trackId() {
    return this.#trackId
  }

  get mid() {
    return this.#mid
  }

  get transponder() {
    return this.#transponder
  }

  attachTo(track) {
    this[kSwitch](track)
    return this.#transponder
  }

  detach() {
    check.open(this)
    this.#transponder?.close()
  }

  async sendTelephoneEvent(options) {
    const press = telephoneEvent(options)
    check.open(this)
    if (this.#kind !== 'audio') throw check.state('keys go in between sound, and this is a track of video')
    const { id } = this.transport
    return this[kDispatcher].request(this.transport, (native, request) => native.pressKey(id, request, this.id, press))
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.removeOutgoingTrack(this.transport.id, this.id)))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'outgoingTrackNegotiated': {
        this.#mid = event.mid
        emit(this, 'negotiated')
        break
      }
      case 'outgoingTrackClosed':
        announce(mark(this, event.reason))
        break
      case 'transponderEncoding':
      case 'transponderLayer':
      case 'transponderError':
        this.#transponder?.[kHandle](event)
        break
    }
  }

  [kSwitch](track) {
    const slot = track instanceof SpeakerSlot
    if (!slot && !isSourceTrack(track)) {
      throw check.invalid('track', 'an IncomingTrack, a MixedTrack, a PlayedTrack, an InputTrack or a SpeakerSlot', track)
    }
    check.open(this)
    check.open(track)
    if (!slot) inOrder(track)
    if (track.kind !== this.#kind) {
      throw mismatch(`a track of kind ${this.#kind} cannot send one of kind ${track.kind}`)
    }
    const { endpoint } = slot ? track.slots.detector : track
    if (endpoint !== this.transport.endpoint) {
      throw mismatch('the track belongs to another endpoint')
    }
    const old = this.#transponder
    if (old && (old.slot ?? old.incomingTrack) === track) return
    const { native } = this[kDispatcher]
    callNative(() => native[slot ? 'attachSlot' : 'attach'](this.transport.id, this.id, track.id))
    if (old) old[kSource](track)
    else this.#transponder = new Transponder(kConstruct, this, track)
  }

  [kDetach]() {
    this[kDispatcher].insist(native => native.detach(this.transport.id, this.id))
  }

  [kRemove]() {
    this.#transponder = null
  }

  [kChildren]() {
    return this.#transponder ? [this.#transponder] : []
  }

  [kForget]() {
    this[kDispatcher].remove(this.id)
    this.#stream[kRemove](this)
  }
}

function mismatch(message) {
  return new MediaLoomError('ERR_INVALID_ARG', `track: ${message}`, { field: 'track' })
}

module.exports = { OutgoingTrack }
