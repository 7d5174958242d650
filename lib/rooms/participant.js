'use strict'

const { EventEmitter } = require('node:events')
const { randomBytes } = require('node:crypto')
const { Agent } = require('./agent.js')
const { checkPermissions, maySendSource } = require('./permissions.js')
const { checkBitrate } = require('./limits.js')
const { checkAttributes, checkMetadata } = require('./profile.js')
const { Publishing } = require('./publishing.js')
const { Reception } = require('./reception.js')
const { RoomError } = require('./room-error.js')

/** Roles whose media is for the others. */
const SENDERS = new Set(['member', 'publisher', 'agent'])
const MODERATED_KINDS = new Set(['audio', 'video', 'screen'])

/**
 * What somebody joins with, as far as it was checked.
 *
 * @typedef {object} Checked
 * @property {string} name
 * @property {string | null} identity
 * @property {string | null} owner
 * @property {readonly string[]} banBy
 * @property {import('./index.js').ParticipantRole} role
 * @property {import('./index.js').Permissions} permissions
 * @property {string} metadata
 * @property {Readonly<Record<string, string>>} attributes
 * @property {Required<import('./index.js').AgentOptions> | null} agent
 * @property {number | null} maxIncomingBitrate
 */

/**
 * Someone in a room: what they send (publications), how the others' media reaches them (reception),
 * and what they may do.
 *
 * @extends {EventEmitter<import('./index.js').ParticipantEvents>}
 */
class Participant extends EventEmitter {
  /** @type {import('../../index.js').Transport | null} */
  #transport = null
  /** @type {(() => void) | null} */
  #forgetTransport = null
  #closed = false
  #replacing = false
  #publishing
  #reception
  /** @type {import('./index.js').ParticipantRole} */
  #role
  /** @type {import('./index.js').Permissions} */
  #permissions
  /** What was asked for, `null` leaves it to the room's mode. @type {import('./index.js').ReceivedSource | null} */
  #chosenSource
  /** What was told last. @type {import('./index.js').ReceivedSource} */
  #toldSource
  /** @type {Readonly<{ audio: boolean, video: boolean }>} */
  #muted = Object.freeze({ audio: false, video: false })
  #metadata
  #attributes
  /** @type {number | null} */
  #hand = null
  #encrypted = false
  #leaveOnTransportClosed
  /** Bits per second. @type {number | null} */
  #maxIncomingBitrate

  /**
   * @param {import('./room.js').Room} room
   * @param {Checked} checked
   * @param {import('./index.js').Moderated | undefined} moderated what is muted of them from the start
   * @param {import('./index.js').JoinOptions & { input?: import('./index.js').Input }} options
   */
  constructor(
    room,
    { name, identity, owner, banBy, role, permissions, metadata, attributes, agent, maxIncomingBitrate },
    moderated,
    options
  ) {
    super()
    this.#metadata = metadata
    this.#attributes = attributes
    this.id = randomBytes(9).toString('base64url')
    this.room = room
    this.name = name
    this.identity = identity
    this.owner = owner
    this.banBy = banBy
    this.#role = role
    this.#permissions = permissions
    this.joinedAt = Date.now()
    /** @type {unknown} */
    this.appData = options.appData
    this.#chosenSource = options.source ?? null
    this.#leaveOnTransportClosed = options.leaveOnTransportClosed ?? true
    this.#maxIncomingBitrate = maxIncomingBitrate
    this.#publishing = new Publishing(this, moderated)
    this.#reception = new Reception(this, { receive: options.receive ?? 'streams', exceptName: options.exceptName })
    this.#toldSource = this.source
    this.input = options.input ?? null
    this.agent = agent && new Agent(this, agent)
  }

  get role() {
    return this.#role
  }

  get permissions() {
    return this.#permissions
  }

  /** Whether what they send is for the others. */
  get maySend() {
    const { canPublish, hidden } = this.#permissions
    return SENDERS.has(this.#role) && canPublish && !hidden
  }

  /**
   * Whether the others would get it.
   * @param {import('./index.js').PublishedSource} source
   */
  allows(source) {
    return maySendSource(this.#permissions, this.moderated, source) && this.maySend
  }

  get source() {
    if (this.#chosenSource && this.room.mode !== 'p2p') return this.#chosenSource
    switch (this.room.mode) {
      case 'mcu':
        return 'mix'
      case 'broadcast':
        return this.maySend ? this.#tracks : 'mix'
      default:
        return this.#tracks
    }
  }

  /** In a crowd nobody can take everybody's. */
  get #tracks() {
    return this.room.crowded ? 'speakers' : 'streams'
  }

  get chosenSource() {
    return this.#chosenSource
  }

  get muted() {
    return this.#muted
  }

  get moderated() {
    return this.#publishing.moderated
  }

  get maxIncomingBitrate() {
    return this.#maxIncomingBitrate
  }

  get metadata() {
    return this.#metadata
  }

  get attributes() {
    return this.#attributes
  }

  get encrypted() {
    return this.#encrypted
  }

  get hand() {
    return this.#hand
  }

  get closed() {
    return this.#closed
  }

  get speaking() {
    return this.#publishing.speaking
  }

  get transport() {
    return this.#transport
  }

  /** Whether they send something, or are about to by another transport. */
  get sends() {
    return this.#replacing || this.tracks.length > 0
  }

  get publications() {
    return this.#publishing.publications
  }

  get tracks() {
    return this.#publishing.tracks
  }

  get slots() {
    const { forwarding } = this
    return forwarding && 'slots' in forwarding ? forwarding.slots : []
  }

  /** What the room tells of the others' publications, `null` while they are not to reach them. */
  get forwarding() {
    return this.#reception.forwarding
  }

  /** @param {import('../../index.js').Transport | null} transport */
  setTransport(transport) {
    if (transport === this.#transport) return
    if (transport && this.room.mode === 'p2p') {
      throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server: a participant has no transport')
    }
    const old = this.#transport
    // Whoever shows them on a place of its own keeps it for what comes by the other transport.
    this.#replacing = transport !== null && !this.#closed
    try {
      this.#dropMedia()
      this.#takeTransport(transport, old)
    } finally {
      this.#replacing = false
    }
    // What did not come with it is gone.
    if (transport && this.tracks.length === 0) for (const other of this.room.participants) other.forwarding?.left()
  }

  /** Has the others' media reach the participant the way it should now. */
  forward() {
    if (this.#closed) return
    this.#reception.update()
    const { source } = this
    if (source === this.#toldSource) return
    this.#toldSource = source
    this.emit('source', source)
  }

  /** @param {import('./index.js').ReceivedSource | null} source */
  setSource(source) {
    this.room.checkSource(source)
    this.#chosenSource = source
    this.forward()
  }

  /** @param {'member' | 'listener'} role */
  setRole(role) {
    const changeable = (/** @type {string} */ each) => each === 'member' || each === 'listener'
    if (!changeable(role) || !changeable(this.#role)) {
      throw new RoomError('ERR_INVALID_ARG', 'a member can become a listener, and a listener a member', { field: 'role' })
    }
    if (this.#closed || role === this.#role) return
    if (this.room.mode === 'p2p') {
      throw new RoomError('ERR_ROOM_MODE', 'in mode p2p no media passes the server, and nobody can only listen')
    }
    this.room.checkPlace(role)
    this.#role = role
    if (role === 'listener') this.#publishing.update()
    this.emit('role', role)
    this.#publishing.update()
    this.forward()
  }

  /** @param {Partial<import('./index.js').Permissions>} permissions */
  setPermissions(permissions) {
    const checked = checkPermissions(permissions, this.#permissions)
    if (this.#closed || JSON.stringify(checked) === JSON.stringify(this.#permissions)) return
    this.#permissions = checked
    // What they may not send any more is gone before anybody is told.
    this.#publishing.update()
    this.emit('permissions', checked)
    this.forward()
  }

  /** @param {{ audio?: boolean, video?: boolean }} muted */
  setMuted({ audio = this.#muted.audio, video = this.#muted.video }) {
    if (audio === this.#muted.audio && video === this.#muted.video) return
    this.#muted = Object.freeze({ audio, video })
    this.emit('media')
  }

  /** @param {boolean} encrypted */
  setEncrypted(encrypted) {
    if (encrypted === this.#encrypted) return
    this.#encrypted = encrypted
    this.emit('media')
  }

  /** @param {import('./index.js').ModeratedKind} kind */
  mute(kind) {
    this.#moderate(kind, true)
  }

  /** @param {import('./index.js').ModeratedKind} kind */
  unmute(kind) {
    this.#moderate(kind, false)
  }

  /** @param {import('./index.js').OfferedTracks | null} tracks */
  offer(tracks) {
    if (!this.#closed) this.#publishing.offer(tracks)
  }

  /** Called by the agent or input. @param {import('./index.js').PublishedTrack} track @param {boolean} sounds */
  hearMade(track, sounds) {
    this.#publishing.hear(track, sounds)
  }

  /** @param {number | null} bitrate */
  setMaxIncomingBitrate(bitrate) {
    this.#maxIncomingBitrate = checkBitrate(bitrate)
    if (this.#transport && !this.#transport.closed) this.#transport.setMaxIncomingBitrate(this.#maxIncomingBitrate)
    const { input } = this
    if (input && 'setMaxIncomingBitrate' in input && !input.closed) input.setMaxIncomingBitrate(this.#maxIncomingBitrate)
  }

  /** @param {Iterable<string>} streams */
  setScreens(streams) {
    this.#publishing.setScreens(streams)
  }

  /** @param {string} metadata */
  setMetadata(metadata) {
    const checked = checkMetadata(metadata)
    if (checked === this.#metadata) return
    this.#metadata = checked
    this.emit('metadata')
  }

  /** @param {Record<string, string>} attributes */
  setAttributes(attributes) {
    this.#attributes = checkAttributes(attributes)
    this.emit('metadata')
  }

  /** @param {boolean} [raised] */
  raiseHand(raised = true) {
    if (this.#closed || raised === (this.#hand !== null)) return
    this.#hand = raised ? Date.now() : null
    this.emit('hand', this.#hand)
  }

  /** @param {import('./index.js').OutgoingMessage} message */
  sendMessage(message) {
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the participant has left')
    return this.room.messages.send(this, message)
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addPlace(stream) {
    this.#reception.addPlace(stream)
  }

  /** @param {string} [text] */
  kick(text) {
    this.leave('kicked', text)
  }

  /**
   * @param {string} [reason]
   * @param {string} [text]
   */
  leave(reason = 'left', text) {
    if (this.#closed) return
    this.#closed = true
    this.setTransport(null)
    // What came by no transport.
    this.#publishing.stop()
    this.agent?.close()
    this.emit('left', reason, text ?? null)
  }

  /**
   * @param {import('../../index.js').Transport | null} transport
   * @param {import('../../index.js').Transport | null} old
   */
  #takeTransport(transport, old) {
    // Not ours to wait for: the engine closes it and tells its own listeners.
    if (old && !old.closed) void old.close()
    if (!transport || this.#closed) {
      if (transport && !transport.closed) void transport.close()
      return
    }

    this.#transport = transport
    /** @param {import('../../index.js').CloseReason} reason */
    const onClosed = reason => this.#transportClosed(reason)
    transport.once('closed', onClosed)
    this.#forgetTransport = () => transport.off('closed', onClosed)

    if (this.#maxIncomingBitrate !== null && !transport.closed) transport.setMaxIncomingBitrate(this.#maxIncomingBitrate)
    this.#reception.start(transport)
    this.forward()
    this.#publishing.start(transport)
    if (transport.closed) this.#transportClosed('closed')
  }

  /** @param {import('../../index.js').CloseReason} reason */
  #transportClosed(reason) {
    this.#dropMedia()
    this.emit('transportclosed', reason)
    if (this.#leaveOnTransportClosed) this.leave(reason)
  }

  #dropMedia() {
    this.#forgetTransport?.()
    this.#forgetTransport = null
    this.#transport = null
    this.#reception.stop()
    this.#publishing.stop()
  }

  /**
   * @param {import('./index.js').ModeratedKind} kind
   * @param {boolean} muted
   */
  #moderate(kind, muted) {
    if (!MODERATED_KINDS.has(kind)) {
      throw new RoomError('ERR_INVALID_ARG', 'kind must be audio, video or screen', { field: 'kind' })
    }
    if (!this.#publishing.moderate(kind, muted)) return
    this.emit('moderated', this.moderated)
    this.emit('media')
  }
}

exports.Participant = Participant
