'use strict'

const check = require('../object/check.js')
const { announce, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kAdd, kDetach, kDispatcher, kForget, kHandle, kRemove, kSource, kSwitch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { preferences: checkPreferences } = require('./preferences.js')
const { SpeakerSlot } = require('../speakers/speaker-slot.js')

/** Lets the engine choose the encoding. */
const AUTO = 'auto'
/** Layers are told apart up to here. */
const MAX_LAYER = 3

/** Copies one incoming track, or whatever has a slot of speakers, to one outgoing track. */
class Transponder extends MediaObject {
  #outgoingTrack
  /** An IncomingTrack or a SpeakerSlot. */
  #source
  #muted = false
  #selectedEncoding = AUTO
  #currentEncoding = null
  #selectedLayer = null
  #currentLayer = null
  #layerReason = 'unavailable'
  #preferences = null

  constructor(key, outgoingTrack, source) {
    super(key, outgoingTrack?.id)
    this.#outgoingTrack = outgoingTrack
    this.#source = source
    source[kAdd](this)
  }

  get [kDispatcher]() {
    return this.#outgoingTrack[kDispatcher]
  }

  get incomingTrack() {
    return this.#source instanceof SpeakerSlot ? this.#source.track : this.#source
  }

  get slot() {
    return this.#source instanceof SpeakerSlot ? this.#source : null
  }

  get outgoingTrack() {
    return this.#outgoingTrack
  }

  get muted() {
    return this.#muted
  }

  get selectedEncoding() {
    return this.#selectedEncoding
  }

  get currentEncoding() {
    return this.#currentEncoding
  }

  get selectedLayer() {
    return this.#selectedLayer
  }

  get currentLayer() {
    return this.#currentLayer
  }

  get layerReason() {
    return this.#layerReason
  }

  get preferences() {
    return this.#preferences
  }

  attachTo(track) {
    check.open(this)
    this.#outgoingTrack[kSwitch](track)
    return this
  }

  selectEncoding(rid) {
    check.nonEmptyString(rid, 'rid')
    check.open(this)
    if (rid !== AUTO && !this.#knows(rid)) {
      const known = this.#source.rids.map(name => `'${name}'`)
      throw check.invalid('rid', [`'${AUTO}'`, ...known].join(', '), rid)
    }
    this.#command((native, transport) => native.selectEncoding(transport, this.id, rid === AUTO ? undefined : rid))
    this.#selectedEncoding = rid
  }

  selectLayer(layer) {
    const selected = layer === null ? null : checkLayer(layer)
    check.open(this)
    this.#command((native, transport) => native.selectLayer(transport, this.id, selected?.spatial, selected?.temporal))
    this.#selectedLayer = selected
  }

  setPreferences(preferences) {
    const checked = checkPreferences(preferences)
    check.open(this)
    this.#command((native, transport) => native.setPreferences(transport, this.id, checked))
    this.#preferences = Object.freeze({ ...preferences })
  }

  mute(muted = true) {
    check.boolean(muted, 'muted')
    check.open(this)
    if (muted === this.#muted) return
    this.#command((native, transport) => native.mute(transport, this.id, muted))
    this.#muted = muted
  }

  detach() {
    this.close()
  }

  close() {
    if (this.closed) return
    // The next transponder of the track starts afresh.
    if (this.#muted) this.#insist((native, transport) => native.mute(transport, this.id, false))
    this.#forgetSelection()
    if (this.#preferences) this.#insist((native, transport) => native.setPreferences(transport, this.id, DEFAULTS))
    this.#outgoingTrack[kDetach]()
    const marked = mark(this, 'closed')
    this[kDispatcher].later(() => announce(marked))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    if (event.type === 'transponderError') {
      emitError(this, fromNative(event.error))
      return
    }
    if (event.type === 'transponderLayer') {
      this.#currentLayer = event.layer && Object.freeze(event.layer)
      this.#layerReason = event.reason
      emit(this, 'layer', this.#currentLayer, event.reason)
      return
    }
    const encoding = event.encoding && Object.freeze(event.encoding)
    this.#currentEncoding = encoding
    emit(this, 'encoding', encoding?.rid ?? null, encoding)
  }

  [kSource](track) {
    this.#source[kRemove](this)
    this.#source = track
    track[kAdd](this)
    // The RIDs of one source mean nothing in another.
    this.#forgetSelection()
  }

  [kForget]() {
    this.#source[kRemove](this)
    this.#outgoingTrack[kRemove](this)
  }

  #knows(rid) {
    // Whoever has the slot next may have it.
    if (this.#source instanceof SpeakerSlot) return true
    const { rids, encodings } = this.#source
    return rids.includes(rid) || encodings.some(encoding => encoding.rid === rid)
  }

  #forgetSelection() {
    if (this.#selectedEncoding !== AUTO) {
      this.#selectedEncoding = AUTO
      this.#insist((native, transport) => native.selectEncoding(transport, this.id, undefined))
    }
    if (this.#selectedLayer) {
      this.#selectedLayer = null
      this.#insist((native, transport) => native.selectLayer(transport, this.id, undefined, undefined))
    }
  }

  #insist(post) {
    const transport = this.#outgoingTrack.transport.id
    this[kDispatcher].insist(native => post(native, transport))
  }

  #command(post) {
    callNative(() => post(this[kDispatcher].native, this.#outgoingTrack.transport.id))
  }
}

const DEFAULTS = checkPreferences({})

function checkLayer(layer) {
  if (layer === undefined) throw check.invalid('layer', 'an object or null', layer)
  const { spatial, temporal } = check.options(layer, 'layer', ['spatial', 'temporal'])
  check.optional(check.integer, spatial, undefined, 'layer.spatial', 0, MAX_LAYER)
  check.optional(check.integer, temporal, undefined, 'layer.temporal', 0, MAX_LAYER)
  return Object.freeze({ spatial, temporal })
}

module.exports = { Transponder }
