'use strict'

const fs = require('node:fs')
const path = require('node:path')
const check = require('../object/check.js')
const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { inOrder, isSourceTrack } = require('../track/taking.js')
const { kAnnounceClosed, kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { RecordedTrack } = require('./recorded-track.js')
const given = require('./recorder-options.js')

/** Writes tracks into a file. */
class Recorder extends MediaObject {
  #endpoint
  #options
  #files
  #tracks = new Map()
  #paused = false
  #info
  #closing

  constructor(key, endpoint, id, options, appData) {
    super(key, id, appData)
    this.#endpoint = endpoint
    this.#options = options
    this.#files = [options.file]
    this.#info = this.#infoOf({ bytes: 0, duration: 0, framesDropped: 0 })
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get file() {
    return this.#files.at(-1)
  }

  get files() {
    return [...this.#files]
  }

  get format() {
    return this.#options.format
  }

  get tracks() {
    return [...this.#tracks.values()]
  }

  get paused() {
    return this.#paused
  }

  get info() {
    return this.#info
  }

  record(track, options) {
    this[kConstruct](track)
    const checked = given.lineOptions(options)
    check.open(this)
    const id = callNative(() => this.#native.record(this.id, track.id, track.kind, JSON.stringify(checked)))
    const recorded = new RecordedTrack(kConstruct, this, { id, track, name: checked.name }, options?.appData)
    this.#tracks.set(id, recorded)
    return recorded
  }

  pause() {
    this.#pause(true)
  }

  resume() {
    this.#pause(false)
  }

  #pause(paused) {
    check.open(this)
    if (paused === this.#paused) return
    callNative(() => this.#native.pauseRecorder(this.id, undefined, paused))
    this.#paused = paused
  }

  mark(name) {
    given.markName(name)
    check.open(this)
    callNative(() => this.#native.markRecorder(this.id, name))
  }

  async getStats() {
    check.open(this)
    const stats = await this[kDispatcher].request(this, (native, request) => native.recorderStats(request, this.id))
    return JSON.parse(stats)
  }

  close() {
    return this.#close('closed')
  }

  #close(reason) {
    this.#closing ??= this.closed ? Promise.resolve(this.#info) : this.#finish(reason)
    return this.#closing
  }

  #finish(reason) {
    const close = (native, request) => native.closeRecorder(request, this.id)
    return finish(this, close, reason, stats => {
      if (stats) this.#info = this.#infoOf(JSON.parse(stats))
      return this.#info
    })
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** For its lines as well: a track that it can record. */
  [kConstruct](track) {
    if (!isSourceTrack(track)) {
      throw check.invalid('track', 'an IncomingTrack, a MixedTrack, a PlayedTrack or an InputTrack', track)
    }
    check.open(this)
    check.open(track)
    if (track.endpoint !== this.#endpoint) throw check.invalid('track', 'a track of the same endpoint', track)
    inOrder(track)
    given.writable(track, this.#options.format, Boolean(this.#native.createMixer))
  }

  [kHandle](event) {
    switch (event.type) {
      case 'recorderProgress':
        this.#info = this.#infoOf(event.progress)
        emit(this, 'progress', this.#info)
        this.#checkFree()
        break
      case 'recorderFile':
        this.#files.push(event.file)
        emit(this, 'file', event.file)
        break
      case 'recorderError':
        emitError(this, fromNative(event.error))
        break
      case 'recorderClosed':
        this.#info = this.#infoOf(event.progress)
        announce(mark(this, event.reason))
        break
    }
  }

  /** Leaves the disk the room that the options want left. */
  #checkFree() {
    if (this.#options.minFree === 0 || this.closed) return
    fs.statfs(path.dirname(this.#options.file), (error, stats) => {
      if (!error && !this.closed && stats.bavail * stats.bsize < this.#options.minFree) this.#close('limit')
    })
  }

  #infoOf({ bytes, duration, framesDropped }) {
    return Object.freeze({ file: this.file, bytes, duration, framesDropped })
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

  [kAnnounceClosed](reason) {
    emit(this, 'closed', reason, this.#info)
  }

  get #native() {
    return this[kDispatcher].native
  }
}

module.exports = { Recorder }
