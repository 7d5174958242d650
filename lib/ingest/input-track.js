'use strict'

const { kDispatcher } = require('../object/internal.js')
const { announce, mark } = require('../object/closing.js')
const { kHandle, kForget, kRemove, kServer } = require('../object/internal.js')
const { SourceTrack } = require('../track/source-track.js')

/** What an encoder pushes: an outgoing track, a port of a mixer or a recorder attaches to it. */
class InputTrack extends SourceTrack {
  #input
  #kind
  #encodings
  #codecs
  #width
  #height
  #reordered

  constructor(key, input, made) {
    super(key, made?.id, input?.[kDispatcher], (native, wanted) => native.listenInputLevels(input[kServer], input.id, this.id, wanted))
    this.#input = input
    this.#kind = made.kind
    this.#width = made.width ?? null
    this.#height = made.height ?? null
    this.#reordered = made.reordered
    this.#encodings = Object.freeze([Object.freeze({ rid: null, ssrc: made.ssrc, active: true, codec: made.codec })])
    this.#codecs = Object.freeze([made.codec])
  }

  get [kDispatcher]() {
    return this.#input[kDispatcher]
  }

  get endpoint() {
    return this.#input.endpoint
  }

  get input() {
    return this.#input
  }

  get kind() {
    return this.#kind
  }

  get codecs() {
    return this.#codecs
  }

  get rids() {
    return Object.freeze([])
  }

  get encodings() {
    return this.#encodings
  }

  get width() {
    return this.#width
  }

  get height() {
    return this.#height
  }

  get reordered() {
    return this.#reordered
  }

  [kHandle](event) {
    if (event.type === 'inputTrackClosed') announce(mark(this, 'error'))
    else super[kHandle](event)
  }

  [kForget]() {
    super[kForget]()
    this.#input[kRemove](this)
  }
}

module.exports = { InputTrack }
