'use strict'

const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { PlayedTrack } = require('./played-track.js')
const given = require('./player-options.js')

/** Plays files as tracks that anything can be attached to. */
class Player extends MediaObject {
  #endpoint
  #audio
  #video
  #loop
  #files
  #paused = true
  #ended = false
  /** Where it was last said to be, when, and whether it went on from there. */
  #state
  #closing

  constructor(key, endpoint, id, made, options, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    const track = (kind, info) => (info ? new PlayedTrack(kConstruct, this, kind, info) : null)
    this.#audio = track('audio', made.audio)
    this.#video = track('video', made.video)
    this.#loop = options.loop
    this.#files = options.files
    const { position, duration } = made
    this.#state = { item: 0, position, duration, playing: false, at: 0 }
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

  get item() {
    return this.#state.item
  }

  get length() {
    return this.#files
  }

  get duration() {
    return this.#state.duration ?? null
  }

  get position() {
    const { position, duration, playing, at } = this.#state
    if (!playing || this.closed) return position
    const now = position + (performance.now() - at) / 1000
    return Math.min(now, duration ?? now)
  }

  get paused() {
    return this.#paused
  }

  get ended() {
    return this.#ended
  }

  get loop() {
    return this.#loop
  }

  set loop(loop) {
    check.boolean(loop, 'loop')
    check.open(this)
    if (loop === this.#loop) return
    callNative(() => this.#native.loopPlayer(this.id, loop))
    this.#loop = loop
  }

  play() {
    this.#play(true)
  }

  pause() {
    this.#play(false)
  }

  #play(playing) {
    check.open(this)
    callNative(() => this.#native.play(this.id, playing))
    this.#paused = !playing
    if (playing) this.#ended = false
    // What was played in the meantime is told.
    else this.#state = { ...this.#state, position: this.position, playing: false }
  }

  async seek(seconds, item = this.item) {
    given.seconds(seconds, 'seconds')
    check.integer(item, 'item', 0, this.#files - 1)
    check.open(this)
    this.#ended = false
    const position = await this[kDispatcher].request(this, (native, request) => native.seekPlayer(request, this.id, item, seconds))
    // Another jump came before this one was there.
    if (position === null) return this.position
    const duration = item === this.item ? this.#state.duration : null
    this.#state = { item, position, duration, playing: false, at: 0 }
    return position
  }

  add(...files) {
    const checked = given.files(files)
    check.open(this)
    callNative(() => this.#native.addToPlayer(this.id, checked))
    this.#files += checked.length
    return this
  }

  async getStats() {
    check.open(this)
    const stats = await this[kDispatcher].request(this, (native, request) => native.playerStats(request, this.id))
    return JSON.parse(stats)
  }

  close() {
    this.#closing ??= this.closed ? Promise.resolve() : finish(this, (native, request) => native.closePlayer(request, this.id))
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'playerState': {
        const { item, position, duration, playing } = event
        this.#state = { item, position, duration, playing, at: performance.now() }
        break
      }
      case 'playerItem':
        emit(this, event.looped ? 'loop' : 'item', event.item)
        break
      case 'playerEnded':
        this.#paused = true
        this.#ended = true
        emit(this, 'ended')
        break
      case 'playerError': {
        const field = event.item === null || event.item === undefined ? undefined : `file[${event.item}]`
        emitError(this, fromNative({ ...event.error, field }))
        break
      }
      case 'playerClosed':
        announce(mark(this, event.reason))
        break
    }
  }

  [kChildren]() {
    return [this.#audio, this.#video].filter(track => track !== null)
  }

  [kRemove]() {}

  [kForget]() {
    this[kDispatcher].rejectRequests(this)
    this[kDispatcher].remove(this.id)
    this.#endpoint[kRemove](this)
  }

  get #native() {
    return this[kDispatcher].native
  }
}

module.exports = { Player }
