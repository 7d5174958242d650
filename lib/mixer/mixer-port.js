'use strict'

const check = require('../object/check.js')
const { close } = require('../object/closing.js')
const { emit } = require('../object/emit.js')
const { callNative } = require('../object/error.js')
const { FrameReader } = require('./frame-reader.js')
const { FrameWriter } = require('./frame-writer.js')
const { isSourceTrack } = require('../track/taking.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { MixedTrack } = require('./mixed-track.js')
const given = require('./mixer-options.js')
const { PcmReader } = require('./pcm-reader.js')
const { PcmWriter } = require('./pcm-writer.js')

/** Pictures that wait for the mixer. */
const FRAMES_AHEAD = 3

/** A place in a mixer: what one participant brings, and gets. */
class MixerPort extends MediaObject {
  #mixer
  #audio
  #options
  /** What feeds it, by kind. */
  #sources = { audio: null, video: null }

  constructor(key, mixer, made, options, appData) {
    super(key, made?.id, appData)
    this.#mixer = mixer
    this.#options = options
    this.#audio = made.audio ? new MixedTrack(kConstruct, mixer, this, 'audio', made.audio) : null
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#mixer[kDispatcher]
  }

  get mixer() {
    return this.#mixer
  }

  get audio() {
    return this.#audio
  }

  get label() {
    return this.#options.label
  }

  get options() {
    return { ...this.#options }
  }

  get audioSource() {
    return this.#sources.audio
  }

  get videoSource() {
    return this.#sources.video
  }

  attachTo(track) {
    if (!isSourceTrack(track)) {
      throw check.invalid('track', 'an IncomingTrack, a MixedTrack, a PlayedTrack or an InputTrack', track)
    }
    check.open(this)
    check.open(track)
    if (track.endpoint !== this.#mixer.endpoint) throw check.invalid('track', 'a track of the same endpoint', track)
    if ('mixer' in track && track.mixer === this.#mixer) throw check.invalid('track', 'anything but what this mixer makes', track)
    this.#need(track.kind)
    if (this.#sources[track.kind] === track) return this
    callNative(() => this.#native.attachPort(this.#mixer.id, this.id, track.kind, track.id))
    this.#setSource(track.kind, track)
    return this
  }

  detach(kind) {
    check.optional(check.oneOf, kind, undefined, 'kind', ['audio', 'video'])
    check.open(this)
    for (const each of kind ? [kind] : ['audio', 'video']) {
      if (this.#sources[each] === null) continue
      callNative(() => this.#native.attachPort(this.#mixer.id, this.id, each, undefined))
      this.#setSource(each, null)
    }
  }

  set(options) {
    const checked = given.portOptions(options, this.#options)
    check.open(this)
    callNative(() => this.#native.setPort(this.#mixer.id, this.id, JSON.stringify(checked)))
    this.#options = checked
  }

  createPcmReader(options) {
    check.open(this)
    return this.#mixer[kConstruct](PcmReader, options, this)
  }

  createPcmWriter(options) {
    const { sampleRate, channels, bufferDuration } = check.options(options, 'options', ['sampleRate', 'channels', 'bufferDuration'])
    const { format, capacity } = given.pcmFormat({ sampleRate, channels, bufferDuration })
    check.open(this)
    this.#need('audio')
    const conduit = callNative(() => this.#native.writePcm(this.#mixer.id, this.id, capacity))
    this.#setSource('audio', null)
    return new PcmWriter(kConstruct, this.#mixer, conduit, format)
  }

  createFrameReader(options) {
    check.open(this)
    return this.#mixer[kConstruct](FrameReader, options, this)
  }

  createFrameWriter() {
    check.open(this)
    this.#need('video')
    const conduit = callNative(() => this.#native.writeFrames(this.#mixer.id, this.id, FRAMES_AHEAD))
    this.#setSource('video', null)
    return new FrameWriter(kConstruct, this.#mixer, conduit)
  }

  setTone(tone) {
    const checked = given.tone(tone)
    check.open(this)
    this.#need('audio')
    callNative(() => this.#native.setTone(this.#mixer.id, this.id, checked ? JSON.stringify(checked) : undefined))
  }

  async playFile(file, options) {
    given.file(file, 'file', 64 * 1024 * 1024)
    const { repeat } = check.options(options, 'options', ['repeat'])
    check.optional(check.boolean, repeat, false, 'options.repeat')
    check.open(this)
    this.#need('audio')
    await this.#request((native, request) => native.playFile(request, this.#mixer.id, this.id, file, repeat ?? false))
  }

  async stopFile() {
    check.open(this)
    this.#need('audio')
    await this.#request((native, request) => native.playFile(request, this.#mixer.id, this.id, undefined, false))
  }

  async snapshot(options) {
    const checked = given.snapshotOptions(options)
    check.open(this)
    this.#need('video')
    return this.#request((native, request) => native.snapshot(request, this.#mixer.id, this.id, JSON.stringify(checked)))
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.removePort(this.#mixer.id, this.id)))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    if (event.type === 'portFileEnded') emit(this, 'fileended')
  }

  /** A track that fed it closed. */
  [kLeave](track) {
    if (this.#sources[track.kind] === track) this.#sources[track.kind] = null
  }

  [kChildren]() {
    return this.#audio ? [this.#audio] : []
  }

  [kForget]() {
    this.#setSource('audio', null)
    this.#setSource('video', null)
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#mixer[kRemove](this)
  }

  get #native() {
    return this[kDispatcher].native
  }

  #request(post) {
    return this[kDispatcher].request(this, post)
  }

  #setSource(kind, track) {
    this.#sources[kind]?.[kUnwatch](this)
    this.#sources[kind] = track
    track?.[kWatch](this)
  }

  #need(kind) {
    if (!this.#mixer[kind]) throw check.state(`the mixer was made without ${kind}`)
  }
}

module.exports = { MixerPort }
