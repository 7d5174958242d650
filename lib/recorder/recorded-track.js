'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kConstruct, kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** A line of a recording: what feeds it may change, and be nothing for a while. */
class RecordedTrack extends MediaObject {
  #recorder
  #kind
  #name
  #source
  #paused = false
  #format = null

  constructor(key, recorder, made, appData) {
    super(key, made?.id, appData)
    this.#recorder = recorder
    this.#kind = made.track.kind
    this.#name = made.name
    this[kDispatcher].add(this.id, this)
    this.#setSource(made.track)
  }

  get [kDispatcher]() {
    return this.#recorder[kDispatcher]
  }

  get recorder() {
    return this.#recorder
  }

  get kind() {
    return this.#kind
  }

  get name() {
    return this.#name
  }

  get source() {
    return this.#source
  }

  get paused() {
    return this.#paused
  }

  get format() {
    return this.#format
  }

  attachTo(track) {
    this.#recorder[kConstruct](track)
    check.open(this)
    if (track.kind !== this.#kind) throw check.invalid('track', `a track of ${this.#kind}`, track)
    if (track === this.#source) return this
    callNative(() => this.#native.attachRecorded(this.#recorder.id, this.id, track.id))
    this.#setSource(track)
    return this
  }

  detach() {
    check.open(this)
    if (!this.#source) return
    callNative(() => this.#native.attachRecorded(this.#recorder.id, this.id, undefined))
    this.#setSource(null)
  }

  pause() {
    this.#pause(true)
  }

  resume() {
    this.#pause(false)
  }

  #pause(paused) {
    check.open(this)
    if (paused === this.#paused) return
    callNative(() => this.#native.pauseRecorder(this.#recorder.id, this.id, paused))
    this.#paused = paused
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.stopRecorded(this.#recorder.id, this.id)))
  }

  [kHandle](event) {
    if (event.type === 'recordedTrackFormat') {
      const { number, codec, width, height } = event
      this.#format = Object.freeze({ number, codec, width: width ?? null, height: height ?? null })
      emit(this, 'format', this.#format)
    } else if (event.type === 'recordedTrackError') {
      emitError(this, fromNative(event.error))
      announce(mark(this, 'error'))
    }
  }

  /** Its source closed: there is a gap until it gets another one. */
  [kLeave](track) {
    if (this.#source === track) this.#source = null
  }

  [kForget]() {
    this.#setSource(null)
    this[kDispatcher].remove(this.id)
    this.#recorder[kRemove](this)
  }

  #setSource(track) {
    this.#source?.[kUnwatch](this)
    this.#source = track
    track?.[kWatch](this)
  }

  get #native() {
    return this[kDispatcher].native
  }
}

module.exports = { RecordedTrack }
