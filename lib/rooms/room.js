'use strict'

const { EventEmitter } = require('node:events')
const { Participant } = require('./participant.js')
const { RoomError } = require('./room-error.js')
const { RoomMixer } = require('./room-mixer.js')
const { RoomSpeakers } = require('./room-speakers.js')
const { checkParticipantName } = require('./limits.js')

const MODES = new Set(['sfu', 'mcu', 'p2p', 'broadcast'])
/** Modes in which somebody gets the mix without asking for it. */
const MIXED_MODES = new Set(['mcu', 'broadcast'])
const ROLES = new Set(['member', 'listener', 'publisher', 'viewer'])
const SOURCES = new Set(['mix', 'streams'])
const LAYOUTS = new Set(['grid', 'speaker', 'pip', 'sidebar'])

/**
 * People who see and hear each other: everyone's tracks go to everyone else, or into a mix of all.
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
  /** `null` where nothing is mixed. @type {RoomMixer | null} */
  #mixing
  /** @type {import('./index.js').RoomLayout} */
  #layout

  /**
   * @param {import('./rooms.js').Rooms} rooms
   * @param {string} name
   * @param {import('./index.js').RoomMode} mode
   */
  constructor(rooms, name, mode) {
    super()
    checkOneOf(mode, 'mode', MODES)
    this.#rooms = rooms
    const { mixer } = rooms
    this.#mixing = mixer ? new RoomMixer(this, rooms.endpoint, mixer, made => this.emit('mixer', made)) : null
    this.#layout = (mixer && typeof mixer.video === 'object' && mixer.video.layout) || 'grid'
    if (MIXED_MODES.has(mode)) this.needMixing()
    this.#mode = mode
    this.name = name
    /** Whose tracks speak, for participants. */
    this.speakers = new RoomSpeakers()
    /** @type {unknown} */
    this.appData = undefined
    this.createdAt = Date.now()
  }

  get mode() {
    return this.#mode
  }

  get layout() {
    return this.#layout
  }

  get mixer() {
    return this.#mixing?.mixer ?? null
  }

  get mixes() {
    return this.#mixing !== null
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
    const { role = 'member', source } = options
    checkOneOf(role, 'role', ROLES)
    this.checkPlace(role)
    this.checkSource(source ?? null)
    if (this.#mode === 'p2p' && role !== 'member') {
      throw new RoomError(
        'ERR_ROOM_MODE',
        'the room is in mode p2p, where no media passes the server; switch it to another mode first',
      )
    }
    if (this.#mode === 'p2p' && options.transport) {
      throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server: a participant has no transport')
    }
    const participant = new Participant(this, name, role, options)
    this.#participants.set(participant.id, participant)
    this.#listen(participant)
    this.emit('joined', participant)
    if (participant.maySend) this.#mixing?.seatsChanged()
    participant.start(options.transport ?? null)
    return participant
  }

  /** @param {import('./index.js').RoomMode} mode */
  setMode(mode) {
    checkOneOf(mode, 'mode', MODES)
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    if (mode === this.#mode) return false
    if (MIXED_MODES.has(mode)) this.needMixing()
    const tied = this.participants.find(participant => participant.role !== 'member')
    if (mode === 'p2p' && tied) {
      const why = tied.role === 'listener' ? 'only listens' : 'came by WHIP or WHEP'
      const stays = `the room stays in mode ${this.#mode}`
      throw new RoomError('ERR_ROOM_MODE', `${tied.name} ${why} and needs the server's media; ${stays}`)
    }
    this.#mode = mode
    for (const participant of this.participants) {
      if (mode === 'p2p') participant.setTransport(null)
      participant.forward()
    }
    this.emit('mode', mode)
    return true
  }

  /** @param {import('./index.js').RoomLayout} layout */
  setLayout(layout) {
    checkOneOf(layout, 'layout', LAYOUTS)
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    if (layout === this.#layout) return false
    this.#mixing?.setLayout(layout)
    this.#layout = layout
    this.emit('layout', layout)
    return true
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    for (const participant of this.participants) participant.leave('room-closed')
    this.speakers.close()
    this.emit('closed')
  }

  /** The mixer, for a participant's forwarding. */
  needMixing() {
    if (this.#mixing) return this.#mixing
    throw new RoomError('ERR_ROOM_MODE', 'nothing is mixed here: there are modes sfu and p2p')
  }

  /** @param {unknown} source */
  checkSource(source) {
    if (source === null) return
    checkOneOf(source, 'source', SOURCES)
    if (source === 'mix') this.needMixing()
  }

  /** Whether one more of the role finds room. @param {import('./index.js').ParticipantRole} role */
  checkPlace(role) {
    const listeners = this.participants.filter(participant => participant.role === 'listener').length
    const { maxAudience, maxParticipants } = this.limits
    if (role === 'listener') {
      if (listeners < maxAudience) return
      throw new RoomError('ERR_PARTICIPANT_LIMIT', `the room is full: ${maxAudience} listen to it`)
    }
    if (this.#participants.size - listeners >= maxParticipants) {
      throw new RoomError('ERR_PARTICIPANT_LIMIT', `the room is full: ${maxParticipants} are in it`)
    }
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
    participant.on('role', role => {
      this.#mixing?.seatsChanged()
      this.emit('role', participant, role)
    })
    participant.once('left', reason => {
      this.#participants.delete(participant.id)
      if (participant.maySend) this.#mixing?.seatsChanged()
      this.emit('left', participant, reason)
      if (this.#participants.size === 0) this.close()
    })
  }
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Set<string>} allowed
 */
function checkOneOf(value, field, allowed) {
  if (allowed.has(/** @type {string} */ (value))) return
  const names = [...allowed]
  const known = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  throw new RoomError('ERR_INVALID_ARG', `${field} must be ${known}`, { field })
}

exports.Room = Room
