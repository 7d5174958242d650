'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kListenLevels, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { InputTrack } = require('./input-track.js')

/** What one encoder pushes. */
class MediaInput extends MediaObject {
  #server
  #asked
  #tracks = new Map()
  #metadata = Object.freeze({})
  #stalled = false
  /** Whether it is called again, of what is fetched. */
  #away = false

  constructor(key, server, asked) {
    super(key, asked?.input, asked?.appData)
    this.#server = server
    this.#asked = asked
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#server[kDispatcher]
  }

  get endpoint() {
    return this.#server.endpoint
  }

  get server() {
    return this.#asked.pulled ? null : this.#server
  }

  get app() {
    return this.#asked.app
  }

  get key() {
    return this.#asked.key
  }

  get streamId() {
    return this.#asked.streamId ?? null
  }

  get address() {
    return this.#asked.address
  }

  get tracks() {
    return [...this.#tracks.values()]
  }

  get metadata() {
    return this.#metadata
  }

  get stalled() {
    return this.#stalled
  }

  get state() {
    if (this.closed) return 'closed'
    if (this.#away) return 'reconnecting'
    return this.#stalled ? 'stalled' : 'connected'
  }

  async getStats() {
    check.open(this)
    const dispatcher = this[kDispatcher]
    const stats = await dispatcher.request(this, (native, request) => native.inputStats(request, this.#server.id, this.id))
    return JSON.parse(stats)
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.closeInput(this.#server.id, this.id)))
  }

  [kListenLevels](native, track, wanted) {
    native.listenInputLevels(this.#server.id, this.id, track, wanted)
  }

  [kHandle](event) {
    switch (event.type) {
      case 'inputTrack': {
        const track = new InputTrack(kConstruct, this, event.track)
        this.#tracks.set(track.id, track)
        emit(this, 'track', track)
        break
      }
      case 'inputMetadata':
        this.#metadata = Object.freeze(JSON.parse(event.metadata))
        emit(this, 'metadata', this.#metadata)
        break
      case 'inputState':
        this.#away = event.state === 'reconnecting'
        if (this.#away) emit(this, 'reconnecting', { delay: event.delay, error: fromNative(event.error) })
        else emit(this, 'connected')
        break
      case 'inputStalled':
        this.#setStalled(true)
        break
      case 'inputResumed':
        this.#setStalled(false)
        break
      case 'inputWarning':
        emit(this, 'warning', fromNative(event.error))
        break
      case 'inputClosed':
        if (event.error) emitError(this, fromNative(event.error))
        announce(mark(this, event.reason))
        break
    }
  }

  /** Who takes its tracks hears of it by them. */
  #setStalled(stalled) {
    this.#stalled = stalled
    emit(this, stalled ? 'stalled' : 'resumed')
    for (const track of this.#tracks.values()) track[kHandle]({ type: 'inputTrackMuted', muted: stalled })
  }

  [kChildren]() {
    return [...this.#tracks.values()]
  }

  [kRemove](track) {
    this.#tracks.delete(track.id)
  }

  [kForget]() {
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#server[kRemove](this)
  }
}

module.exports = { MediaInput }
