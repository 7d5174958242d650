'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { inOrder, isSourceTrack } = require('../track/taking.js')
const { Rendition } = require('./rendition.js')
const given = require('./hls-options.js')

/** A live stream for players of HTTP Live Streaming. */
class Hls extends MediaObject {
  #endpoint
  #name
  #renditions = new Map()
  #watched = false
  #handler

  constructor(key, endpoint, id, name, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    this.#name = name
    this.#handler = (request, response) => void this.#answer(request, response)
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get name() {
    return this.#name
  }

  get renditions() {
    return [...this.#renditions.values()]
  }

  get watched() {
    return this.#watched
  }

  get handler() {
    return this.#handler
  }

  add(track, options) {
    this[kConstruct](track)
    const checked = given.renditionOptions(options)
    check.open(this)
    const id = callNative(() => this.#native.addRendition(this.id, track.id, track.kind, JSON.stringify(checked)))
    const rendition = new Rendition(kConstruct, this, { id, track }, options?.appData)
    this.#renditions.set(id, rendition)
    return rendition
  }

  async getStats() {
    check.open(this)
    const stats = await this[kDispatcher].request(this, (native, request) => native.hlsStats(request, this.id))
    return JSON.parse(stats)
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.closeHls(this.id)))
  }

  async #answer(request, response) {
    // Somebody in front of it was quicker.
    if (response.headersSent || response.destroyed) return
    // Other origins may play it; what a page may do with it is the page's own affair.
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD')
      response.statusCode = 204
      return response.end()
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD, OPTIONS')
      response.statusCode = 405
      return response.end()
    }
    const [path, query = ''] = (request.url ?? '').replace(/^\/+/, '').split('?', 2)
    let answer
    try {
      check.open(this)
      const ask = (native, id) => native.askHls(id, this.id, path, query)
      answer = await this[kDispatcher].request(this, ask)
    } catch {
      answer = { status: 410, contentType: 'text/plain', cacheControl: 'no-store', body: 'the stream is over' }
    }
    // The player may have gone away meanwhile.
    if (response.headersSent || response.destroyed) return
    response.statusCode = answer.status
    response.setHeader('Content-Type', answer.contentType)
    response.setHeader('Cache-Control', answer.cacheControl)
    response.setHeader('Content-Length', Buffer.byteLength(answer.body))
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  }

  /** For its renditions as well: a track that it can play. */
  [kConstruct](track) {
    if (!isSourceTrack(track)) {
      throw check.invalid('track', 'an IncomingTrack, a MixedTrack, a PlayedTrack or an InputTrack', track)
    }
    check.open(this)
    check.open(track)
    if (track.endpoint !== this.#endpoint) throw check.invalid('track', 'a track of the same endpoint', track)
    inOrder(track)
    given.playable(track)
  }

  [kHandle](event) {
    if (event.type === 'hlsWatched') {
      this.#watched = event.watched
      emit(this, 'watched', event.watched)
    } else if (event.type === 'hlsFailed') {
      emitError(this, fromNative(event.error))
      announce(mark(this, 'error'))
    }
  }

  [kChildren]() {
    return [...this.#renditions.values()]
  }

  [kRemove](rendition) {
    this.#renditions.delete(rendition.id)
  }

  [kForget]() {
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#endpoint[kRemove](this)
  }

  get #native() {
    return this[kDispatcher].native
  }
}

module.exports = { Hls }
