'use strict'

const { EventEmitter } = require('node:events')
const { unlink } = require('node:fs/promises')
const path = require('node:path')
const { IndexFile, INDEX_NAME } = require('./index-file.js')
const { Journal } = require('./journal.js')
const { LimitWatch } = require('./limit-watch.js')
const { MixedFile } = require('./mixed-file.js')
const { PeopleFiles } = require('./people-files.js')
const { Uploads, removeLocal } = require('./uploads.js')

/** Files of one recording. */
const MAX_FILES = 1000
const VERSION = 1

/**
 * What the files of a recording need of it.
 *
 * @typedef {object} FileHost
 * @property {import('../room.js').Room} room
 * @property {import('../../../index.js').Endpoint} endpoint
 * @property {() => number} now seconds since the recording began
 * @property {() => number} nextNumber
 * @property {(name: string, ending: string) => string | null} reserve a path for a new file; null when there are too many
 * @property {(file: import('./recorded-file.js').RecordedFile) => import('./recorded-file.js').RecordedFile} add
 * @property {(place: string) => void} opened
 * @property {(place: string, empty: boolean) => void} closed said once; an empty one goes
 * @property {(error: Error) => void} failed
 * @property {() => void} changed
 * @property {(track: import('../index.js').PublishedTrack, reason: string) => void} skipped
 * @property {(participant: import('../index.js').Participant, reason: string) => void} leftOut
 * @property {(event: { type: string } & Record<string, unknown>) => void} note
 */

/**
 * One recording of a room: who is recorded into which file, until it is stopped, or something stops it.
 *
 * @extends {EventEmitter<import('../index.js').RoomRecordingEvents>}
 */
class RoomRecording extends EventEmitter {
  #options
  #began = performance.now()
  /** @type {import('./recorded-file.js').RecordedFile[]} */
  #files = []
  #count = 0
  #numbers = 0
  /** Of files in which nothing is. @type {Promise<void>[]} */
  #removals = []
  /** @type {PeopleFiles | null} */
  #people = null
  /** @type {Map<import('../index.js').Participant, () => void>} */
  #listeners = new Map()
  /** @type {MixedFile | null} */
  #mixed = null
  #index
  #journal
  #limits
  /** @type {Uploads | null} */
  #uploads = null
  #active = true
  /** @type {number | null} */
  #duration = null
  /** @type {string | null} */
  #reason = null
  /** @type {Error | null} */
  #error = null
  /** @type {(result: import('../index.js').RoomRecordingResult) => void} */
  #resolve = () => {}

  /**
   * @param {import('../room.js').Room} room
   * @param {import('./record-options.js').Checked} options
   * @param {{ by: import('../index.js').RecordedBy | null, appData: unknown, onEnded: () => void, onFinished: () => Promise<void> }} more
   */
  constructor(room, options, { by, appData, onEnded, onFinished }) {
    super()
    this.room = room
    this.name = options.name
    this.directory = path.join(options.root, options.name)
    this.what = options.what
    this.by = by
    this.startedAt = Date.now()
    /** @type {unknown} */
    this.appData = appData
    this.#options = options
    this.#onEnded = onEnded
    this.#onFinished = onFinished
    /** @type {Promise<import('../index.js').RoomRecordingResult>} */
    this.finished = new Promise(resolve => (this.#resolve = resolve))
    this.#journal = new Journal({ now: () => this.duration, changed: () => this.#index.changed() })
    this.#index = new IndexFile(this.directory, { mode: options.mode, interval: options.indexInterval, contents: () => this.index })
    this.#limits = new LimitWatch(this, options, {
      onProgress: () => this.#tellProgress(),
      onLimit: which => this.#end(which === 'closed' ? 'closed' : 'limit', null)
    })
  }

  #onEnded
  #onFinished

  get active() {
    return this.#active
  }

  get reason() {
    return this.#reason
  }

  get error() {
    return this.#error
  }

  get duration() {
    return this.#duration ?? (performance.now() - this.#began) / 1000
  }

  get bytes() {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0)
  }

  get files() {
    return this.#files.flatMap(file => file.entries)
  }

  /** @returns {import('../index.js').RecordingIndex} */
  get index() {
    const { participants, events, marks, skipped } = this.#journal
    return {
      version: VERSION,
      name: this.name,
      room: this.room.name,
      what: this.what,
      state: this.#active ? 'recording' : 'finished',
      startedAt: new Date(this.startedAt).toISOString(),
      startedBy: this.by,
      duration: rounded(this.duration),
      bytes: this.bytes,
      reason: this.#reason,
      error: this.#error?.message ?? null,
      participants: participants.map(each => ({
        ...each,
        joined: rounded(each.joined),
        left: each.left === null ? null : rounded(each.left)
      })),
      files: this.files.map(file => ({ ...file, offset: rounded(file.offset), duration: rounded(file.duration) })),
      marks: marks.map(({ at, name }) => ({ at: rounded(at), name })),
      events: events.map(event => ({ ...event, at: rounded(event.at) })),
      skipped
    }
  }

  /** Called by the room: begins. */
  async begin() {
    await this.#index.begin()
    const { storage, what } = this.#options
    if (storage) this.#uploads = new Uploads(storage, this.name)
    if (this.room.closed) return
    const host = this.#host()
    this.#began = performance.now()
    this.startedAt = Date.now()
    if (what !== 'mixed') this.#people = new PeopleFiles(host, this.#options)
    for (const participant of this.room.participants) this.#onJoined(participant)
    if (what !== 'tracks') this.#mixed = new MixedFile(this.room.needMixing(), host, this.#options)
    this.room.on('joined', this.#onJoined)
    this.room.on('left', this.#onLeft)
    this.room.on('mode', this.#onMode)
    this.room.on('closed', this.#onClosed)
    this.#limits.begin()
  }

  /** @param {string} name */
  mark(name) {
    if (!this.#active) return false
    if (!this.#journal.mark(name)) return false
    for (const file of this.#files) file.mark(name)
    this.emit('mark', name)
    return true
  }

  /** @param {string} [reason] */
  stop(reason = 'stopped') {
    this.#end(reason, null)
    return this.finished
  }

  #onJoined = (/** @type {import('../index.js').Participant} */ participant) => {
    const listener = () => {
      this.#people?.update(participant)
      this.#journal.update(participant)
    }
    this.#listeners.set(participant, listener)
    participant.on('media', listener)
    this.#journal.add(participant)
    this.#people?.add(participant)
  }
  #onLeft = (/** @type {import('../index.js').Participant} */ participant) => {
    this.#unfollow(participant)
    this.#journal.remove(participant)
    this.#people?.remove(participant)
  }
  #onMode = (/** @type {string} */ mode) => {
    this.#journal.note({ type: 'mode', mode })
    // From now on no media passes the server.
    if (mode === 'p2p') this.#end('mode', null)
  }
  #onClosed = () => this.#end('room-closed', null)

  /** @returns {FileHost} */
  #host() {
    return {
      room: this.room,
      endpoint: this.room.endpoint,
      now: () => (performance.now() - this.#began) / 1000,
      nextNumber: () => ++this.#numbers,
      reserve: (name, ending) => (this.#count++ < MAX_FILES ? path.join(this.directory, `${name}${ending}`) : null),
      add: file => {
        this.#files.push(file)
        return file
      },
      opened: place => {
        this.#uploads?.opened(place)
        this.#index.changed()
        const entry = this.files.find(({ file }) => file === path.basename(place))
        if (entry) this.emit('file', entry)
      },
      closed: (place, empty) => {
        if (empty) this.#removals.push(unlink(place).catch(() => {}))
        this.#uploads?.closed(place, empty)
      },
      failed: error => this.#end('error', error),
      changed: () => this.#index.changed(),
      skipped: (track, reason) => {
        const participant = this.room.participants.find(each => each.tracks.includes(track))
        this.#skip(participant ?? null, track.kind, reason)
      },
      leftOut: (participant, reason) => this.#skip(participant, null, reason),
      note: event => this.#journal.note(event)
    }
  }

  /**
   * @param {import('../index.js').Participant | null} participant
   * @param {import('../../../index.js').Kind | null} kind
   * @param {string} reason
   */
  #skip(participant, kind, reason) {
    this.#journal.skip(participant, kind, reason)
    this.emit('skipped', participant, kind, reason)
  }

  /** @param {import('../index.js').Participant} participant */
  #unfollow(participant) {
    const listener = this.#listeners.get(participant)
    if (listener) participant.off('media', listener)
    this.#listeners.delete(participant)
  }

  #tellProgress() {
    this.emit('progress', { duration: this.duration, bytes: this.bytes, files: this.files.length })
  }

  /**
   * @param {string} reason
   * @param {Error | null} error
   */
  #end(reason, error) {
    if (!this.#active) return
    this.#duration = this.duration
    this.#active = false
    this.#reason = reason
    this.#error = error
    this.room.off('joined', this.#onJoined)
    this.room.off('left', this.#onLeft)
    this.room.off('mode', this.#onMode)
    this.room.off('closed', this.#onClosed)
    this.#limits.end()
    for (const participant of [...this.#listeners.keys()]) this.#unfollow(participant)
    this.#onEnded()
    this.emit('ended', reason, error)
    void this.#finish()
  }

  async #finish() {
    await Promise.all([this.#people?.close(), this.#mixed?.close()])
    await Promise.all(this.#removals)
    let failure = await this.#index.end().then(
      () => null,
      error => /** @type {Error} */ (error)
    )
    let stored = failure === null && this.#uploads === null
    if (this.#uploads) {
      this.#uploads.put(path.join(this.directory, INDEX_NAME))
      const kept = await this.#uploads.finish()
      stored = kept === null
      failure ??= kept
      if (stored && !this.#options.keepLocal) await removeLocal(this.directory)
    }
    await this.#onFinished()
    const result = {
      name: this.name,
      directory: this.directory,
      reason: /** @type {string} */ (this.#reason),
      error: this.#error ?? failure,
      stored,
      index: this.index
    }
    this.#resolve(result)
    this.emit('finished', result)
  }
}

/** To milliseconds. @param {number} seconds */
function rounded(seconds) {
  // JSON has no -0.
  return Math.round(seconds * 1000) / 1000 + 0
}

exports.RoomRecording = RoomRecording
