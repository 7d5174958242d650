'use strict'

const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { FrameReader } = require('./frame-reader.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { MixedTrack } = require('./mixed-track.js')
const given = require('./mixer-options.js')
const { MixerPort } = require('./mixer-port.js')
const { PcmReader } = require('./pcm-reader.js')

/** Mixes what its ports get into tracks that anything can be attached to. */
class Mixer extends MediaObject {
  #endpoint
  #audio
  #video
  #layout
  #ports = new Map()
  #speakers = []
  #effort = 'full'
  #closing

  constructor(key, endpoint, made, options, appData) {
    super(key, made?.id, appData)
    this.#endpoint = endpoint
    const track = (kind, info) => (info ? new MixedTrack(kConstruct, this, null, kind, info) : null)
    this.#audio = track('audio', made.audio)
    this.#video = track('video', made.video)
    this.#layout = options.video ? given.layoutName(options.video.layout) : null
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get audio() {
    return this.#audio
  }

  get video() {
    return this.#video
  }

  get ports() {
    return [...this.#ports.values()]
  }

  get layout() {
    return this.#layout
  }

  get speakers() {
    return this.#speakers.filter(port => !port.closed)
  }

  get effort() {
    return this.#effort
  }

  addPort(options) {
    const checked = given.portOptions(options)
    check.open(this)
    const made = callNative(() => this.#native.addPort(this.id, JSON.stringify(checked)))
    const port = new MixerPort(kConstruct, this, made, checked, options?.appData)
    this.#ports.set(port.id, port)
    return port
  }

  setLayout(layout) {
    const checked = given.layout(layout, 'layout', (port, field) => this.#portId(port, field))
    this.#needVideo()
    callNative(() => this.#native.setLayout(this.id, JSON.stringify(checked)))
    this.#layout = given.layoutName(checked)
  }

  async setBackground(background) {
    const picture = background instanceof Uint8Array ? given.file(background, 'background') : undefined
    const color = picture ? 0 : given.color(background, 'background')
    this.#needVideo()
    await this.#request((native, request) => native.setBackground(request, this.id, color, picture))
  }

  async setOverlays(overlays) {
    const { checked, pictures } = given.overlays(overlays)
    this.#needVideo()
    await this.#request((native, request) => native.setOverlays(request, this.id, JSON.stringify(checked), pictures))
  }

  pin(...ports) {
    const ids = ports.map((port, index) => this.#portId(port, `ports[${index}]`))
    this.#needVideo()
    callNative(() => this.#native.pin(this.id, ids))
  }

  async snapshot(options) {
    const checked = given.snapshotOptions(options)
    this.#needVideo()
    return this.#request((native, request) => native.snapshot(request, this.id, undefined, JSON.stringify(checked)))
  }

  // No compiler sees through the symbol what comes of these two.
  createPcmReader(options) {
    return /** @type {any} */ (this)[kConstruct](PcmReader, options, null)
  }

  createFrameReader(options) {
    return /** @type {any} */ (this)[kConstruct](FrameReader, options, null)
  }

  async getStats() {
    check.open(this)
    return JSON.parse(await this.#request((native, request) => native.mixerStats(request, this.id)))
  }

  close() {
    this.#closing ??= this.closed ? Promise.resolve() : finish(this, (native, request) => native.closeMixer(request, this.id))
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** For the ports as well: a reader of what `port` gets, or brings, or of the mix. */
  [kConstruct](Reader, options, port) {
    const id = port?.id
    if (Reader === PcmReader) {
      const { source, raw = false, ...rest } = options ?? {}
      if (port) check.optional(check.oneOf, source, 'mix', 'options.source', ['mix', 'own'])
      else if (source !== undefined) throw check.invalid('options.source', 'nothing: a mixer has one sound', source)
      check.boolean(raw, 'options.raw')
      const { format, capacity } = given.pcmFormat(options === undefined ? undefined : rest)
      this.#needAudio()
      const conduit = callNative(() => this.#native.readPcm(this.id, id, source === 'own', JSON.stringify(format), capacity))
      return new PcmReader(kConstruct, this, conduit, { ...format, raw })
    }
    const { name, raw, format, capacity } = given.frameFormat(options)
    this.#needVideo()
    const conduit = callNative(() => this.#native.readFrames(this.id, id, JSON.stringify(format), capacity))
    return new FrameReader(kConstruct, this, conduit, { format: name, raw })
  }

  [kHandle](event) {
    switch (event.type) {
      case 'mixerSpeakers':
        this.#speakers = event.ports.flatMap(id => this.#ports.get(id) ?? [])
        emit(this, 'speakers', this.speakers)
        break
      case 'mixerEffort':
        this.#effort = event.effort
        emit(this, 'effort', event.effort, { late: event.late })
        break
      case 'mixerError':
        emitError(this, fromNative(event.error))
        break
      case 'mixerClosed':
        announce(mark(this, event.reason))
        break
    }
  }

  [kChildren]() {
    return [...this.#ports.values(), ...[this.#audio, this.#video].filter(Boolean)]
  }

  [kRemove](port) {
    this.#ports.delete(port.id)
  }

  [kForget]() {
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#endpoint[kRemove](this)
  }

  get #native() {
    return this[kDispatcher].native
  }

  #request(post) {
    return this[kDispatcher].request(this, post)
  }

  #needVideo() {
    check.open(this)
    if (!this.#video) throw check.state('the mixer was made without video')
  }

  #needAudio() {
    check.open(this)
    if (!this.#audio) throw check.state('the mixer was made without audio')
  }

  #portId(port, field) {
    if (!(port instanceof MixerPort) || port.mixer !== this) throw check.invalid(field, 'a port of this mixer', port)
    check.open(port)
    return port.id
  }
}

module.exports = { Mixer }
