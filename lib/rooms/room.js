'use strict'

const { EventEmitter } = require('node:events')
const { Participant } = require('./participant.js')
const { RoomError } = require('./room-error.js')
const { checkParticipantName } = require('./limits.js')

const MODES = new Set(['sfu', 'p2p'])

/**
 * People who see and hear each other: everyone's tracks go to everyone else.
 *
 * @extends {EventEmitter<import('./index.js').RoomEvents>}
 */
class Room extends EventEmitter {
  /** Insertion order is joining order. @type {Map<string, Participant>} */
  #participants = new Map()
  /** @type {import('./index.js').RoomMode} */
  #mode
  #closed = false
  /** @type {import('./rooms.js').Rooms} */
  #rooms

  /**
   * @param {import('./rooms.js').Rooms} rooms
   * @param {string} name
   * @param {import('./index.js').RoomMode} mode
   */
  constructor(rooms, name, mode) {
    super()
    checkMode(mode)
    this.#rooms = rooms
    this.#mode = mode
    this.name = name
    /** @type {unknown} */
    this.appData = undefined
    this.createdAt = Date.now()
  }

  get mode() {
    return this.#mode
  }

  get closed() {
    return this.#closed
  }

  get limits() {
    return this.#rooms.limits
  }

  get participants() {
    return [...this.#participants.values()]
  }

  /** @param {string} id */
  get(id) {
    return this.#participants.get(id)
  }

  /**
   * @param {import('./index.js').JoinOptions} options
   * @returns {Participant}
   */
  join(options) {
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    const name = checkParticipantName(options?.name, this.limits.maxNameLength)
    if (this.#participants.size >= this.limits.maxParticipants) {
      throw new RoomError('ERR_PARTICIPANT_LIMIT', `the room is full: ${this.limits.maxParticipants} are in it`)
    }
    const role = options.role ?? 'member'
    if (this.#mode === 'p2p' && role !== 'member') {
      throw new RoomError('ERR_ROOM_MODE', 'the room is in mode p2p, where no media passes the server; switch it to mode sfu first')
    }

    if (this.#mode === 'p2p' && options.transport) {
      throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server: a participant has no transport')
    }
    const participant = new Participant(this, name, role, options)
    this.#participants.set(participant.id, participant)
    this.#listen(participant)
    this.emit('joined', participant)
    participant.start(options.transport ?? null)
    return participant
  }

  /** @param {import('./index.js').RoomMode} mode */
  setMode(mode) {
    checkMode(mode)
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    if (mode === this.#mode) return false
    const tied = this.participants.find(participant => participant.role !== 'member')
    if (mode === 'p2p' && tied) {
      throw new RoomError('ERR_ROOM_MODE', `${tied.name} came by WHIP or WHEP and needs the server's media; the room stays in mode sfu`)
    }
    this.#mode = mode
    if (mode === 'p2p') {
      for (const participant of this.participants) participant.setTransport(null)
    }
    this.emit('mode', mode)
    return true
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    for (const participant of this.participants) participant.leave('room-closed')
    this.emit('closed')
  }

  /** @param {Participant} participant */
  #listen(participant) {
    participant.on('published', publication => {
      for (const other of this.participants) if (other !== participant) other.forwarding?.add(publication)
      this.emit('published', publication)
    })
    participant.on('unpublished', publication => {
      for (const other of this.participants) other.forwarding?.remove(publication)
      this.emit('unpublished', publication)
    })
    participant.on('speaking', speaking => this.emit('speaking', participant, speaking))
    participant.once('left', reason => {
      this.#participants.delete(participant.id)
      this.emit('left', participant, reason)
      if (this.#participants.size === 0) this.close()
    })
  }
}

/** @param {unknown} mode */
function checkMode(mode) {
  if (!MODES.has(/** @type {string} */ (mode))) {
    throw new RoomError('ERR_INVALID_ARG', 'a room is in mode sfu or p2p', { field: 'mode' })
  }
}

exports.Room = Room
