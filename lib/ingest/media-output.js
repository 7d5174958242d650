'use strict'

const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** Sends tracks to others, whatever carries them. */
class MediaOutput extends MediaObject {
  #endpoint
  #sources
  #connected = true
  #closing

  constructor(key, endpoint, id, sources, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    this.#sources = sources
    this[kDispatcher].add(this.id, this)
    for (const track of Object.values(sources)) track?.[kWatch](this)
    // One may have closed while the other end was asked.
    for (const track of Object.values(sources)) if (track?.closed) this[kLeave](track)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get audioSource() {
    return this.#sources.audio
  }

  get videoSource() {
    return this.#sources.video
  }

  /** Whether the other end takes the stream now. */
  get connected() {
    return !this.closed && this.#connected
  }

  async getStats() {
    check.open(this)
    const stats = await this[kDispatcher].request(this, (native, request) => native.outputStats(request, this.id))
    return JSON.parse(stats)
  }

  close() {
    this.#closing ??= this.closed ? Promise.resolve() : finish(this, (native, request) => native.closeOutput(request, this.id))
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'outputDisconnected':
        this.#connected = false
        emit(this, 'disconnected', fromNative(event.error))
        break
      case 'outputReconnected':
        this.#connected = true
        emit(this, 'reconnected')
        break
      case 'outputClosed':
        this.#connected = false
        if (event.error) emitError(this, fromNative(event.error))
        announce(mark(this, event.reason))
        break
    }
  }

  /** A source closed: what is left goes on. */
  [kLeave](track) {
    for (const kind of ['audio', 'video']) if (this.#sources[kind] === track) this.#sources[kind] = null
  }

  [kForget]() {
    for (const track of Object.values(this.#sources)) track?.[kUnwatch](this)
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#endpoint[kRemove](this)
  }
}

module.exports = { MediaOutput }
