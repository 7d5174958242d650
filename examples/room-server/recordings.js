import path from 'node:path'
import { recoverRecordings } from 'medialoom/rooms'
import { DirectoryStorage, expireRecordings, listRecordings, readIndex, removeRecording } from 'medialoom/storage'
import { Playbacks } from './playbacks.js'
import { Refusal } from './problem.js'
import { RecordingTickets } from './recording-tickets.js'
import { recordingView, storedView } from './recording-views.js'

/** Recordings of a room that are listed, the newest first. */
const MOST_LISTED = 200
/** Indexes that are kept: one that is finished does not change. */
const MOST_REMEMBERED = 2000
const HOUR = 60 * 60 * 1000

/**
 * @typedef {import('medialoom/rooms').Room} Room
 * @typedef {import('medialoom/rooms').RoomRecording} RoomRecording
 * @typedef {import('medialoom/rooms').RecordedWhat} What
 */

/** What this server records, and what it has recorded: by signaling and by the API. */
export class Recordings {
  #config
  #storage
  #plays
  #expiry
  /** Going on, or being stored. @type {Set<RoomRecording>} */
  #unfinished = new Set()
  /** Rooms for which one begins. @type {WeakSet<Room>} */
  #beginning = new WeakSet()
  /** By name. @type {Map<string, { modified: number, index: import('medialoom/rooms').RecordingIndex | null }>} */
  #indexes = new Map()
  tickets = new RecordingTickets()

  /**
   * @param {import('./config.js').RecordingsConfig} config
   * @param {import('medialoom/rooms').Rooms} rooms
   */
  constructor(config, rooms) {
    this.#config = config
    this.#storage = config.storage ?? new DirectoryStorage(config.directory)
    this.#plays = new Playbacks(rooms.endpoint)
    this.#expiry = setInterval(() => void this.#expire(), HOUR)
    this.#expiry.unref()
  }

  /** Whether recordings can be played into rooms: the engine has to, and files have to be here. */
  get plays() {
    return this.#storage instanceof DirectoryStorage
  }

  /** Whether nothing is being written. */
  get idle() {
    return this.#unfinished.size === 0
  }

  /** Finishes what a server that was killed left. */
  async recover() {
    const { directory, storage } = this.#config
    const recovered = await recoverRecordings(directory)
    for (const name of recovered) console.log(`The recording ${name} was interrupted, and is whole now`)
    // That may take long, and nobody is to wait for it.
    if (storage) void recoverRecordings(directory, { storage }).catch(error => console.error(`Recordings are not stored: ${error.message}`))
    await this.#expire()
  }

  /**
   * @param {Room} room
   * @param {{ what?: What, by?: import('medialoom/rooms').Participant | string }} [options] `what` by default: the mix where there can be one
   * @returns {Promise<RoomRecording>}
   */
  async start(room, { what = room.mixes ? 'mixed' : 'tracks', by } = {}) {
    if (room.recordings.length > 0 || this.#beginning.has(room))
      throw new Refusal(409, 'the room is being recorded already', { code: 'already-recording' })
    this.#beginning.add(room)
    const { directory, maxDuration, maxSize, minFree, storage } = this.#config
    try {
      const recording = await room.record(directory, {
        what,
        ...(by !== undefined && { by }),
        ...(maxDuration !== undefined && { maxDuration }),
        ...(maxSize !== undefined && { maxSize }),
        ...(minFree !== undefined && { minFree }),
        ...(storage && { storage })
      })
      this.#unfinished.add(recording)
      void recording.finished.then(result => this.#finished(recording, result))
      return recording
    } finally {
      this.#beginning.delete(room)
    }
  }

  /** @param {Room} room @returns {Promise<import('medialoom/rooms').RoomRecordingResult>} */
  async stop(room) {
    const [recording] = room.recordings
    if (!recording) throw new Refusal(409, 'the room is not being recorded', { code: 'not-recording' })
    return recording.stop()
  }

  /** Those of a room, the newest first; one that goes on among them. @param {string} room */
  async list(room) {
    const known = [...this.#unfinished].filter(recording => recording.room.name === room)
    const names = new Set(known.map(({ name }) => name))
    const views = known.map(recording => recordingView(recording))
    for (const stored of (await listRecordings(this.#storage)).reverse()) {
      if (views.length >= MOST_LISTED) break
      if (names.has(stored.name)) continue
      const index = await this.#indexOf(stored)
      if (index?.room === room) views.push(storedView(stored, index))
    }
    return views.sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1))
  }

  /**
   * One of a room, with where its files are for a while.
   * @param {string} room
   * @param {string} name
   */
  async get(room, name) {
    const { stored, index } = await this.#find(room, name)
    const files = filesOf(stored, index)
    return {
      ...storedView(stored, index),
      files: files.map(file => ({ ...file, url: this.tickets.urlOf(name, file.file) })),
      marks: index.marks ?? [],
      participants: index.participants ?? []
    }
  }

  /** @param {string} room @param {string} name */
  async remove(room, name) {
    if ([...this.#unfinished].some(recording => recording.name === name))
      throw new Refusal(409, 'it is still being recorded', { code: 'already-recording' })
    await this.#find(room, name)
    await removeRecording(this.#storage, name)
    this.#indexes.delete(name)
  }

  /**
   * A file, for who has a ticket to it.
   * @param {string} name
   * @param {string} file
   */
  async open(name, file) {
    const stat = await this.#storage.stat(`${name}/${file}`)
    if (!stat) throw new Refusal(404, 'there is no such file')
    return { ...stat, read: (/** @type {{ start: number, end: number }} */ range) => this.#storage.read(stat.name, range) }
  }

  /**
   * Plays a file of a recording to everybody in the room, in place of what is played there.
   * @param {Room} room
   * @param {string} name
   * @param {{ file?: string, loop?: boolean }} [options] by default its mix, or its first file
   */
  async play(room, name, { file, loop = false } = {}) {
    if (!this.plays || !(this.#storage instanceof DirectoryStorage))
      throw new Refusal(501, 'this server plays nothing into rooms', { code: 'cannot-play' })
    const { stored, index } = await this.#find(room.name, name)
    const files = filesOf(stored, index)
    const chosen = file === undefined ? (files.find(({ source }) => source === 'mix') ?? files[0]) : files.find(each => each.file === file)
    if (!chosen) throw new Refusal(404, 'the recording has no such file')
    await this.#plays.start(room, path.join(this.#storage.directory, name, chosen.file), { title: chosen.name, loop })
  }

  /** @param {Room} room */
  stopPlaying(room) {
    if (!this.#plays.stop(room)) throw new Refusal(409, 'nothing is played in the room', { code: 'not-playing' })
  }

  /** Ends all of them, and waits until they are whole. */
  async close() {
    clearInterval(this.#expiry)
    await Promise.all([...this.#unfinished].map(recording => recording.stop('closed')))
  }

  /**
   * @param {RoomRecording} recording
   * @param {import('medialoom/rooms').RoomRecordingResult} result
   */
  #finished(recording, { error, stored, directory }) {
    this.#unfinished.delete(recording)
    if (error) console.error(`The recording ${recording.name}: ${error.message}${stored ? '' : `; its files are in ${directory}`}`)
    void this.#expire()
  }

  async #expire() {
    const { retention } = this.#config
    if (!retention) return
    try {
      await expireRecordings(this.#storage, retention, { except: [...this.#unfinished].map(({ name }) => name) })
    } catch (error) {
      console.error(`Old recordings are not removed: ${/** @type {Error} */ (error).message}`)
    }
  }

  /** Of other rooms nobody is told whether they exist. @param {string} room @param {string} name */
  async #find(room, name) {
    const files = []
    if (this.tickets.isName(name)) for await (const file of this.#storage.list(name)) files.push(file)
    const stored = {
      name,
      files,
      size: files.reduce((sum, { size }) => sum + size, 0),
      modified: new Date(Math.max(0, ...files.map(({ modified }) => modified.getTime())))
    }
    const index = files.length === 0 ? null : await this.#indexOf(stored)
    if (index?.room !== room) throw new Refusal(404, 'the room has no such recording')
    return { stored, index }
  }

  /** @param {import('medialoom/storage').StoredRecording} stored */
  async #indexOf({ name, modified }) {
    const known = this.#indexes.get(name)
    if (known?.modified === modified.getTime()) return known.index
    const index = await readIndex(this.#storage, name)
    this.#indexes.delete(name)
    this.#indexes.set(name, { modified: modified.getTime(), index })
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= MOST_REMEMBERED) break
      this.#indexes.delete(oldest)
    }
    return index
  }
}

/**
 * What an index names and is there: it is a file like others, and may say anything.
 *
 * @param {import('medialoom/storage').StoredRecording} stored
 * @param {import('medialoom/rooms').RecordingIndex} index
 */
function filesOf({ name, files }, index) {
  const known = new Set(files.map(file => file.name))
  return Array.isArray(index.files) ? index.files.filter(each => known.has(`${name}/${each?.file}`) && Array.isArray(each.tracks)) : []
}
