'use strict'

const { mkdir, rm } = require('node:fs/promises')
const path = require('node:path')
const { Participant } = require('../participant.js')
const { RoomError } = require('../room-error.js')
const { DirectoryStorage } = require('../../storage/directory-storage.js')
const { expireRecordings } = require('../../storage/recordings.js')
const { going } = require('./going.js')
const { isFull } = require('./limit-watch.js')
const { MAX_RECORDINGS, checkRecordOptions } = require('./record-options.js')
const { RoomRecording } = require('./room-recording.js')

/** The recordings of one room. */
class RoomRecordings {
  #room
  /** @type {Set<RoomRecording>} */
  #active = new Set()
  #starting = 0

  /** @param {import('../room.js').Room} room */
  constructor(room) {
    this.#room = room
  }

  get active() {
    return [...this.#active]
  }

  /**
   * @param {string} directory
   * @param {import('../index.js').RoomRecordOptions} [given]
   * @returns {Promise<RoomRecording>}
   */
  async start(directory, given = {}) {
    const options = checkRecordOptions(this.#room, directory, given)
    const by = this.#check(options, given.by)
    this.#starting += 1
    try {
      return await this.#begin(options, by, given.appData)
    } finally {
      this.#starting -= 1
    }
  }

  /**
   * @param {import('./record-options.js').Checked} options
   * @param {unknown} by
   * @returns {import('../index.js').RecordedBy | null}
   */
  #check({ what }, by) {
    const room = this.#room
    if (room.closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    const person = by instanceof Participant ? by : null
    if (person && !person.permissions.roomRecord) throw new RoomError('ERR_FORBIDDEN', 'you may not record this room')
    if (room.mode === 'p2p') throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server: there is nothing to record')
    if (what !== 'tracks') room.needMixing()
    const secret = room.participants.find(participant => participant.encrypted && participant.maySend)
    if (secret) {
      throw new RoomError('ERR_ENCRYPTED', `${secret.name} encrypts end to end: the server has nothing that it could record`)
    }
    if (this.#active.size + this.#starting >= MAX_RECORDINGS) {
      throw new RoomError('ERR_RECORDING_LIMIT', `the room is recorded ${MAX_RECORDINGS} times already`)
    }
    if (person) return { id: person.id, identity: person.identity, name: person.name }
    return typeof by === 'string' ? { id: null, identity: null, name: by } : null
  }

  /**
   * @param {import('./record-options.js').Checked} options
   * @param {import('../index.js').RecordedBy | null} by
   * @param {unknown} appData
   */
  async #begin(options, by, appData) {
    const room = this.#room
    await this.#prepare(options)
    const recording = new RoomRecording(room, options, {
      by,
      appData,
      onEnded: () => {
        this.#active.delete(recording)
        room.emit('recorded', recording)
      },
      onFinished: async () => {
        await expire(options)
        going.delete(recording)
      }
    })
    going.add(recording)
    try {
      await recording.begin()
    } catch (error) {
      going.delete(recording)
      await rm(recording.directory, { recursive: true, force: true }).catch(() => {})
      throw error instanceof RoomError ? error : notWritable(/** @type {Error} */ (error))
    }
    this.#active.add(recording)
    if (room.closed) {
      await recording.stop('room-closed')
      throw new RoomError('ERR_CLOSED', 'the room was closed')
    }
    room.emit('recording', recording)
    return recording
  }

  /** @param {import('./record-options.js').Checked} options */
  async #prepare(options) {
    const { root, name, minFree } = options
    await mkdir(root, { recursive: true, mode: 0o700 }).catch(error => {
      throw notWritable(error)
    })
    await expire(options)
    if (await isFull(root, minFree)) throw notWritable(new Error(`less than ${minFree} bytes are free`))
    // Made here and nowhere else, it is no link to somewhere else.
    await mkdir(path.join(root, name), { mode: 0o700 }).catch(error => {
      if (error.code !== 'EEXIST') throw notWritable(error)
      throw new RoomError('ERR_INVALID_ARG', 'there is a recording of that name: nothing is overwritten', { field: 'options.name' })
    })
  }
}

/** Makes room as the options want it. @param {import('./record-options.js').Checked} options */
async function expire({ root, retention, storage }) {
  if (!retention) return
  const except = [...going].map(({ name }) => name)
  // What cannot be removed now is removed with the next recording.
  await expireRecordings(storage ?? new DirectoryStorage(root), retention, { except }).catch(() => {})
}

/** @param {Error} cause */
function notWritable(cause) {
  // Messages of the system have paths in them, which are nobody's to know who asks by a network.
  const said = /** @type {any} */ (cause).syscall ? /** @type {any} */ (cause).code : cause.message
  const error = new RoomError('ERR_IO', `the recording cannot be written: ${said}`)
  error.cause = cause
  return error
}

exports.RoomRecordings = RoomRecordings
