'use strict'

const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kDispatcher, kForget, kHandle, kLeave, kRemove, kUnwatch, kWatch } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** Sends tracks by SRT, to somebody or to whoever calls. */
class SrtOutput extends MediaObject {
  #endpoint
  #port
  #sources
  #closing

  constructor(key, endpoint, made, sources, appData) {
    super(key, made?.id, appData)
    this.#endpoint = endpoint
    this.#port = made.port
    this.#sources = sources
    this[kDispatcher].add(this.id, this)
    for (const track of Object.values(sources)) track?.[kWatch](this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get port() {
    return this.#port
  }

  get audioSource() {
    return this.#sources.audio
  }

  get videoSource() {
    return this.#sources.video
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
    if (event.type !== 'outputClosed') return
    if (event.error) emitError(this, fromNative(event.error))
    announce(mark(this, event.reason))
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

module.exports = { SrtOutput }
