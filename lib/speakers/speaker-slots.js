'use strict'

const { close } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { SpeakerSlot } = require('./speaker-slot.js')

/** Slots that the loudest members of a detector have, and those who spoke last. */
class SpeakerSlots extends MediaObject {
  #detector
  #audio
  #video
  /** The detector is there for these slots alone. */
  #owned

  constructor(key, detector, made, owned, appData) {
    super(key, made?.id, appData)
    this.#detector = detector
    this.#owned = owned
    const slot = (kind, id) => new SpeakerSlot(kConstruct, this, kind, id)
    this.#audio = Object.freeze(made.audio.map(id => slot('audio', id)))
    this.#video = Object.freeze(made.video.map(id => slot('video', id)))
  }

  get [kDispatcher]() {
    return this.#detector[kDispatcher]
  }

  get detector() {
    return this.#detector
  }

  get audio() {
    return this.#audio
  }

  get video() {
    return this.#video
  }

  get speakers() {
    return this.#audio.flatMap(slot => slot.track ?? [])
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.closeSpeakerSlots(this.#detector.id, this.id)))
    if (this.#owned) this.#detector.close()
  }

  [Symbol.dispose]() {
    this.close()
  }

  /** One of them has another track. */
  [kHandle](slot) {
    if (slot.kind === 'audio') emit(this, 'speakers', this.speakers)
  }

  [kChildren]() {
    return [...this.#audio, ...this.#video]
  }

  [kForget]() {
    this.#detector[kRemove](this)
  }
}

module.exports = { SpeakerSlots }
