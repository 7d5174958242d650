'use strict'

const { EventEmitter } = require('node:events')
const { checkAgent } = require('./agent.js')
const { LAYOUTS, MIXED_MODES, MODES, RECEIVE, ROLES, SOURCES, checkOneOf } = require('./choices.js')
const { Door } = require('./door.js')
const { checkBitrate } = require('./limits.js')
const { Lobby } = require('./lobby.js')
const { Participant } = require('./participant.js')
const { checkPermissions } = require('./permissions.js')
const { checkAttributes, checkBanKeys, checkIdentity, checkMetadata, checkParticipantName } = require('./profile.js')
const { RoomError } = require('./room-error.js')
const { RoomHls } = require('./room-hls.js')
const { addInput } = require('./room-input.js')
const { RoomMessages } = require('./room-messages.js')
const { RoomMixer } = require('./room-mixer.js')
const { RoomRecordings } = require('./recording/room-recordings.js')
const { RoomSlots } = require('./room-slots.js')
const { RoomSpeakers } = require('./room-speakers.js')

/** A crowd is one until it has shrunk to this share of what made it one. */
const CALM = 0.8
/** Why somebody needs the server's media. @type {Record<string, string>} */
const TIES = { listener: 'only listens', agent: 'is an agent' }

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
  /** @type {RoomHls | null} */
  #hls
  #door = new Door()
  #lobby
  #recordings = new RoomRecordings(this)
  /** So many send that nobody gets everybody's tracks by default. */
  #crowded = false

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
    this.#hls = this.#mixing && new RoomHls(this, this.#mixing, rooms.hls)
    this.#layout = (mixer && typeof mixer.video === 'object' && mixer.video.layout) || 'grid'
    if (MIXED_MODES.has(mode)) this.needMixing()
    this.#mode = mode
    this.name = name
    /** Whose tracks speak, for participants. */
    this.speakers = new RoomSpeakers()
    /** For those who get whoever speaks. */
    this.slots = new RoomSlots(this, rooms.speakers)
    /** Between participants, and to them. */
    this.messages = new RoomMessages(this)
    this.#lobby = new Lobby(this, rooms.limits.maxWaiting, options => this.#admit(options))
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

  get hls() {
    return this.#hls
  }

  get mixes() {
    return this.#mixing !== null
  }

  get closed() {
    return this.#closed
  }

  get endpoint() {
    return this.#rooms.endpoint
  }

  get limits() {
    return this.#rooms.limits
  }

  get crowded() {
    return this.#crowded && this.#mode !== 'p2p'
  }

  get locked() {
    return this.#door.locked
  }

  get lobby() {
    return this.#door.lobby
  }

  get waiting() {
    return this.#lobby.guests
  }

  get banned() {
    return this.#door.banned
  }

  get recordings() {
    return this.#recordings.active
  }

  get participants() {
    return [...this.#participants.values()]
  }

  /** @param {string} id */
  get(id) {
    return this.#participants.get(id)
  }

  /** @param {string} identity */
  byIdentity(identity) {
    return this.participants.find(participant => participant.identity === identity)
  }

  /**
   * @param {import('./index.js').JoinOptions} options
   * @returns {Participant}
   */
  join(options) {
    const checked = this.#check(options)
    const before = checked.identity === null ? undefined : this.byIdentity(checked.identity)
    // Whoever is in already may come by another connection.
    if (!before) this.#door.check(checked, checked.permissions)
    return this.#enter(checked, options, before)
  }

  /**
   * @param {import('./index.js').Input} input
   * @param {import('./index.js').InputOptions} options
   */
  addInput(input, options) {
    return addInput(asked => this.join(asked), input, options)
  }

  /**
   * @param {import('./index.js').JoinOptions} options
   * @returns {import('./guest.js').Guest}
   */
  knock(options) {
    const checked = this.#check(options)
    this.#door.checkBan(checked, checked.permissions)
    return this.#lobby.knock(checked, options)
  }

  /** @param {import('./index.js').Guest | string} guest */
  admit(guest) {
    return this.#lobby.admit(guest)
  }

  /**
   * @param {import('./index.js').Guest | string} guest
   * @param {string} [text]
   */
  reject(guest, text) {
    this.#lobby.reject(guest, text)
  }

  /** @param {import('./guest.js').Guest} guest */
  forgetGuest(guest) {
    this.#lobby.forget(guest)
  }

  lock() {
    this.#setLocked(true)
  }

  unlock() {
    this.#setLocked(false)
  }

  /** @param {boolean} lobby */
  setLobby(lobby) {
    if (this.#closed || lobby === this.#door.lobby) return
    this.#door.lobby = lobby
    this.emit('lobby', lobby)
    // Nobody is left waiting at a door that is open.
    if (!lobby) this.#lobby.admitAll()
  }

  /**
   * @param {import('./index.js').Participant | string} who
   * @param {string} [text]
   */
  ban(who, text) {
    const { owner, banBy } = typeof who === 'string' ? checkBanKeys({ identity: who }) : who
    const holds = this.#door.ban({ owner, banBy })
    if (owner !== null) this.#lobby.dismiss(guest => guest.owner === owner, 'banned', text)
    // Who watches by another connection is the same person. Who shares no more than an address is not.
    const theirs = this.participants.filter(each => each === who || (owner !== null && each.owner === owner))
    for (const each of theirs) each.leave('banned', text)
    return holds
  }

  /** @param {string} key */
  unban(key) {
    return this.#door.unban(key)
  }

  /** @param {import('./index.js').Visitor} [visitor] */
  checkEntrance(visitor = {}) {
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    this.#door.check(checkBanKeys(visitor), checkPermissions(visitor.permissions))
  }

  /** @param {import('./index.js').Visitor} visitor */
  isBanned(visitor) {
    return this.#door.isBanned(checkBanKeys(visitor))
  }

  /** @param {import('./index.js').OutgoingMessage} message */
  sendMessage(message) {
    return this.messages.send(null, message)
  }

  /**
   * @param {string} directory
   * @param {import('./index.js').RoomRecordOptions} [options]
   */
  record(directory, options) {
    return this.#recordings.start(directory, options)
  }

  /** @param {import('./index.js').RoomMode} mode */
  setMode(mode) {
    checkOneOf(mode, 'mode', MODES)
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    if (mode === this.#mode) return false
    if (MIXED_MODES.has(mode)) this.needMixing()
    const tied = this.participants.find(participant => participant.role !== 'member')
    if (mode === 'p2p' && tied) {
      const stays = `the room stays in mode ${this.#mode}`
      throw new RoomError(
        'ERR_ROOM_MODE',
        `${tied.name} ${tied.input ? 'is an input' : (TIES[tied.role] ?? 'came by WHIP or WHEP')} and needs the server's media; ${stays}`
      )
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
    this.#lobby.dismiss(() => true, 'room-closed')
    for (const participant of this.participants) participant.leave('room-closed')
    this.#hls?.close()
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

  /**
   * What somebody wants to join with, whether or not they may come in.
   * @param {import('./index.js').JoinOptions} options
   */
  #check(options) {
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the room is closed')
    const name = checkParticipantName(options?.name, this.limits.maxNameLength)
    const identity = checkIdentity(options.identity)
    const { owner, banBy } = checkBanKeys(options)
    const permissions = checkPermissions(options.permissions)
    const agent = checkAgent(options.agent)
    const { role = agent ? 'agent' : 'member', receive = 'streams' } = options
    checkOneOf(role, 'role', ROLES)
    if ((role === 'agent') !== (agent !== null)) {
      throw new RoomError('ERR_INVALID_ARG', 'the role agent and the option agent go together', { field: 'agent' })
    }
    checkOneOf(receive, 'receive', RECEIVE)
    this.checkSource(options.source ?? null)
    if (this.#mode === 'p2p' && role !== 'member') {
      throw new RoomError('ERR_ROOM_MODE', 'the room is in mode p2p, where no media passes the server; switch it to another mode first')
    }
    if (this.#mode === 'p2p' && options.transport) {
      throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server: a participant has no transport')
    }
    const metadata = checkMetadata(options.metadata)
    const attributes = checkAttributes(options.attributes)
    const maxIncomingBitrate = checkBitrate(options.maxIncomingBitrate ?? this.limits.maxIncomingBitrate)
    return { name, identity, owner, banBy, role, permissions, metadata, attributes, agent, maxIncomingBitrate }
  }

  /** Somebody who was let in by hand. @param {import('./index.js').JoinOptions} options */
  #admit(options) {
    const checked = this.#check(options)
    return this.#enter(checked, options, checked.identity === null ? undefined : this.byIdentity(checked.identity))
  }

  /**
   * @param {import('./participant.js').Checked} checked
   * @param {import('./index.js').JoinOptions} options
   * @param {Participant | undefined} before who has the identity now
   */
  #enter(checked, options, before) {
    // One who comes again takes the place that is theirs.
    if (!before) this.checkPlace(checked.role)
    const moderated = before?.moderated ?? this.#door.remembered(checked.identity)
    const participant = new Participant(this, checked, moderated, options)
    this.#participants.set(participant.id, participant)
    // After the other is in, so that the room does not end in between.
    before?.leave('replaced')
    this.#listen(participant)
    this.emit('joined', participant)
    this.#sendersChanged()
    // Once everyone knows of them.
    participant.setTransport(options.transport ?? null)
    return participant
  }

  /** Somebody came, left, or may send now and could not before. */
  #sendersChanged() {
    this.#mixing?.seatsChanged()
    const senders = this.participants.filter(participant => participant.maySend).length
    const { above } = this.#rooms.speakers
    // Not back and forth with each who comes and goes.
    const crowded = senders > (this.#crowded ? above * CALM : above)
    if (crowded === this.#crowded) return
    this.#crowded = crowded
    for (const participant of this.participants) participant.forward()
  }

  /** @param {boolean} locked */
  #setLocked(locked) {
    if (this.#closed || locked === this.#door.locked) return
    this.#door.locked = locked
    this.emit('locked', locked)
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
    participant.on('media', () => this.slots.update(participant))
    participant.on('role', role => {
      this.#sendersChanged()
      this.emit('role', participant, role)
    })
    participant.on('permissions', permissions => {
      this.#sendersChanged()
      this.emit('permissions', participant, permissions)
    })
    participant.on('moderated', moderated => this.emit('moderated', participant, moderated))
    participant.on('metadata', () => this.emit('metadata', participant))
    participant.on('hand', hand => this.emit('hand', participant, hand))
    participant.once('left', (reason, text) => {
      this.#participants.delete(participant.id)
      if (participant.identity !== null) this.#door.remember(participant.identity, participant.moderated)
      this.slots.update(participant)
      if (participant.maySend) this.#sendersChanged()
      this.emit('left', participant, reason, text)
      if (this.#participants.size === 0) this.close()
    })
  }
}

exports.Room = Room
