'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kDispatcher, kHandle } = require('../object/internal.js')
const { FedLine } = require('../track/fed-line.js')

/** A line of a recording: while nothing feeds it there is a gap. */
class RecordedTrack extends FedLine {
  #recorder
  #name
  #paused = false
  #format = null

  constructor(key, recorder, made, appData) {
    super(key, recorder, made, appData, (native, track) => native.attachRecorded(recorder.id, this.id, track))
    this.#recorder = recorder
    this.#name = made.name
  }

  get recorder() {
    return this.#recorder
  }

  get name() {
    return this.#name
  }

  get paused() {
    return this.#paused
  }

  get format() {
    return this.#format
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
    callNative(() => this.#recorder[kDispatcher].native.pauseRecorder(this.#recorder.id, this.id, paused))
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
}

module.exports = { RecordedTrack }
