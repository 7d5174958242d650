'use strict'

const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kListenLevels, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { InputTrack } = require('./input-track.js')

/** What is fetched from one server by RTSP. */
class RtspInput extends MediaObject {
  #endpoint
  #url
  #lookup
  #tracks = new Map()
  #state = 'connecting'
  #warnings = []
  #closing

  constructor(key, endpoint, id, { url, lookup }, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    this.#url = url
    this.#lookup = lookup
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get url() {
    return this.#url
  }

  get state() {
    return this.closed ? 'closed' : this.#state
  }

  get tracks() {
    return [...this.#tracks.values()]
  }

  get warnings() {
    return [...this.#warnings]
  }

  async getStats() {
    check.open(this)
    const stats = await this[kDispatcher].request(this, (native, request) => native.rtspStats(request, this.id))
    return JSON.parse(stats)
  }

  close() {
    this.#closing ??= this.closed ? Promise.resolve() : finish(this, (native, request) => native.closeRtsp(request, this.id))
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** It is there for whoever asked for it. */
  [kConstruct]() {
    this.#state = 'connected'
  }

  [kListenLevels](native, track, wanted) {
    native.listenRtspLevels(this.id, track, wanted)
  }

  [kHandle](event) {
    switch (event.type) {
      case 'inputResolve':
        this.#resolve(event.host, event.question)
        break
      case 'inputTrack': {
        const track = new InputTrack(kConstruct, this, event.track)
        this.#tracks.set(track.id, track)
        emit(this, 'track', track)
        break
      }
      case 'inputState':
        this.#state = event.state
        if (event.state === 'reconnecting') emit(this, 'reconnecting', { delay: event.delay, error: fromNative(event.error) })
        else emit(this, event.state)
        if (event.state !== 'connected') this.#setMuted(true)
        break
      case 'inputResumed':
        this.#setMuted(false)
        break
      case 'inputWarning':
        // The engine tells of few, and of each once.
        this.#warnings.push(fromNative(event.error))
        emit(this, 'warning', this.#warnings.at(-1))
        break
      case 'inputClosed':
        if (event.error) emitError(this, fromNative(event.error))
        announce(mark(this, event.reason))
        break
    }
  }

  /** Who takes its tracks hears by them that nothing comes, and that it does again. */
  #setMuted(muted) {
    for (const track of this.#tracks.values()) track[kHandle]({ type: 'inputTrackMuted', muted })
  }

  /** The engine looks at the addresses, and connects to none but those. */
  async #resolve(host, question) {
    let addresses = []
    let reason = `the host ${host} has no address`
    try {
      addresses = (await this.#lookup(host)).map(String)
    } catch (error) {
      reason = `the host ${host} is not found: ${error instanceof Error ? error.message : error}`
    }
    if (!this.closed) this[kDispatcher].insist(native => native.resolveRtsp(this.id, question, addresses, reason))
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
    this.#endpoint[kRemove](this)
  }
}

module.exports = { RtspInput }
