'use strict'

const check = require('../object/check.js')
const { close } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { MediaLoomError, callNative } = require('../object/error.js')
const { IncomingTrack } = require('../track/incoming-track.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { whileListened } = require('../object/while-listened.js')
const { SpeakerSlots } = require('./speaker-slots.js')

const MAX_MEMBERS = 10_000
const MAX_SETS = 16
const MAX_SLOTS = 64

/** Tells who of many speaks. */
class ActiveSpeakerDetector extends MediaObject {
  static #listen = whileListened('speaking', (detector, wanted) => {
    detector.#speaking.clear()
    detector[kDispatcher].insist(native => native.listenSpeaking(detector.id, wanted))
  })

  #endpoint
  /** Tracks with sound, and the picture that goes with each. */
  #members = new Map()
  /** The other way round. */
  #pictures = new Map()
  #slots = new Set()
  #speaker = null
  /** Who was told to speak last. */
  #speaking = new Set()

  constructor(key, endpoint, id, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    this[kDispatcher].add(this.id, this)
    ActiveSpeakerDetector.#listen(this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get tracks() {
    return [...this.#members.keys()]
  }

  get slots() {
    return [...this.#slots]
  }

  get speaker() {
    return this.#speaker
  }

  add(track, options) {
    this.#member(track, 'track', 'audio')
    const { video = null } = check.options(options, 'options', ['video'])
    if (video !== null) this.#member(video, 'options.video', 'video')
    check.open(this)
    check.open(track)
    if (video) check.open(video)
    if (!this.#members.has(track) && this.#members.size >= MAX_MEMBERS) {
      throw new MediaLoomError('ERR_LIMIT', `a detector has at most ${MAX_MEMBERS} tracks`)
    }
    callNative(() => this[kDispatcher].native.addSpeaker(this.id, track.transport.id, track.id, video?.id ?? undefined))
    const other = this.#pictures.get(video)
    if (other) this.#setPicture(other, null)
    this.#setPicture(track, video)
    track[kWatch](this)
  }

  remove(track) {
    this.#member(track, 'track', 'audio')
    check.open(this)
    if (!this.#members.has(track)) return
    callNative(() => this[kDispatcher].native.removeSpeaker(this.id, track.id))
    this.#forgetMember(track)
  }

  createSlots(count, options) {
    const { video, appData } = slotsOptions(count, check.options(options, 'options', ['video', 'appData']))
    // No compiler sees through the symbol what comes of it.
    return /** @type {any} */ (this)[kConstruct](count, video, appData, false)
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.closeSpeakers(this.id)))
  }

  [Symbol.dispose]() {
    this.close()
  }

  /** Makes slots whose options are checked. `owned`: this detector is there for them alone. */
  [kConstruct](count, video, appData, owned) {
    check.open(this)
    if (this.#slots.size >= MAX_SETS) {
      throw new MediaLoomError('ERR_LIMIT', `a detector has slots at most ${MAX_SETS} times`)
    }
    const made = callNative(() => this[kDispatcher].native.createSpeakerSlots(this.id, count, video))
    const slots = new SpeakerSlots(kConstruct, this, made, owned, appData)
    this.#slots.add(slots)
    return slots
  }

  [kHandle](event) {
    if (event.type === 'speaking') return this.#tellSpeaking(this[kDispatcher].find(event.track), event.speaking)
    const speaker = event.track === null ? null : (this[kDispatcher].find(event.track) ?? null)
    if (speaker === this.#speaker) return
    this.#speaker = speaker
    emit(this, 'speaker', speaker)
  }

  [kChildren]() {
    return this.slots
  }

  /** A track closed. The engine knows. */
  [kLeave](track) {
    const member = this.#pictures.get(track)
    if (member) this.#setPicture(member, null)
    else this.#forgetMember(track)
  }

  [kRemove](slots) {
    this.#slots.delete(slots)
  }

  [kForget]() {
    this[kDispatcher].remove(this.id)
    for (const track of this.tracks) this.#forgetMember(track)
    this.#endpoint[kRemove](this)
  }

  #tellSpeaking(track, speaking) {
    if (!track || !this.#members.has(track) || speaking === this.#speaking.has(track)) return
    if (speaking) this.#speaking.add(track)
    else this.#speaking.delete(track)
    emit(this, 'speaking', track, speaking)
  }

  #member(track, field, kind) {
    if (!(track instanceof IncomingTrack)) throw check.invalid(field, 'an IncomingTrack', track)
    if (track.kind !== kind) {
      throw new MediaLoomError('ERR_INVALID_ARG', `${field}: expected a track of kind ${kind}`, { field })
    }
    if (track.transport.endpoint !== this.#endpoint) {
      throw new MediaLoomError('ERR_INVALID_ARG', `${field}: the track belongs to another endpoint`, { field })
    }
  }

  #setPicture(track, video) {
    const before = this.#members.get(track)
    if (before) {
      this.#pictures.delete(before)
      before[kUnwatch](this)
    }
    this.#members.set(track, video)
    if (video) {
      this.#pictures.set(video, track)
      video[kWatch](this)
    }
  }

  #forgetMember(track) {
    this.#setPicture(track, null)
    this.#members.delete(track)
    this.#speaking.delete(track)
    track[kUnwatch](this)
  }
}

/** Checks what slots are made of and fills in the defaults. */
function slotsOptions(count, options) {
  check.integer(count, 'count', 0, MAX_SLOTS)
  const video = check.optional(check.integer, options.video, 0, 'options.video', 0, MAX_SLOTS)
  if (count + video === 0) throw check.invalid('count', 'at least one slot, of sound or of video', count)
  return { video, appData: options.appData }
}

module.exports = { ActiveSpeakerDetector, slotsOptions }
