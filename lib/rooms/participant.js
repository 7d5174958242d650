'use strict'

const { EventEmitter } = require('node:events')
const { randomBytes } = require('node:crypto')
const { MixForwarding } = require('./mix-forwarding.js')
const { Publication } = require('./publication.js')
const { RoomError } = require('./room-error.js')
const { SlotForwarding } = require('./slot-forwarding.js')
const { StreamForwarding } = require('./stream-forwarding.js')

/**
 * Someone in a room: what they send (publications) and how the others' media reaches them
 * (forwarding).
 *
 * @extends {EventEmitter<import('./index.js').ParticipantEvents>}
 */
class Participant extends EventEmitter {
  /** @type {Map<import('../../index.js').IncomingStream, Publication>} */
  #publications = new Map()
  #publicationCount = 0
  /** @type {import('../../index.js').Transport | null} */
  #transport = null
  /** @type {(() => void) | null} */
  #forgetTransport = null
  #closed = false
  #replacing = false
  #speaking = false
  /** Tracks with a sound just now, whatever they are for. @type {Set<import('../../index.js').IncomingTrack>} */
  #sounding = new Set()
  /** @type {import('./index.js').ParticipantRole} */
  #role
  #receive
  /** What was asked for, `null` leaves it to the room's mode. @type {import('./index.js').ReceivedSource | null} */
  #chosenSource
  /** What was told last. @type {import('./index.js').ReceivedSource} */
  #toldSource
  /** What the forwarding is for. @type {import('./index.js').ReceivedSource | null} */
  #forwardedSource = null
  /** Streams given with receive: 'slots', of the present transport. @type {import('../../index.js').OutgoingStream[]} */
  #slots = []
  /** @type {Readonly<{ audio: boolean, video: boolean }>} */
  #muted = Object.freeze({ audio: false, video: false })
  #exceptName
  #leaveOnTransportClosed

  /**
   * @param {import('./room.js').Room} room
   * @param {string} name
   * @param {import('./index.js').ParticipantRole} role
   * @param {import('./index.js').JoinOptions} options
   */
  constructor(room, name, role, options) {
    super()
    this.id = randomBytes(9).toString('base64url')
    this.room = room
    this.name = name
    this.#role = role
    this.joinedAt = Date.now()
    /** @type {unknown} */
    this.appData = options.appData
    this.#receive = options.receive ?? 'streams'
    this.#chosenSource = options.source ?? null
    this.#exceptName = options.exceptName
    this.#leaveOnTransportClosed = options.leaveOnTransportClosed ?? true
    /** @type {StreamForwarding | SlotForwarding | MixForwarding | null} */
    this.forwarding = null
    this.#toldSource = this.source
  }

  get role() {
    return this.#role
  }

  /** Whether what they send is for the others. */
  get maySend() {
    return this.#role === 'member' || this.#role === 'publisher'
  }

  get source() {
    if (this.#chosenSource && this.room.mode !== 'p2p') return this.#chosenSource
    switch (this.room.mode) {
      case 'mcu':
        return 'mix'
      case 'broadcast':
        return this.maySend ? 'streams' : 'mix'
      default:
        return 'streams'
    }
  }

  get chosenSource() {
    return this.#chosenSource
  }

  get muted() {
    return this.#muted
  }

  get closed() {
    return this.#closed
  }

  get speaking() {
    return this.#speaking
  }

  get transport() {
    return this.#transport
  }

  /** Whether they send something, or are about to by another transport. */
  get sends() {
    return this.#replacing || this.tracks.length > 0
  }

  get publications() {
    return [...this.#publications.values()]
  }

  get tracks() {
    return this.publications.flatMap(publication => publication.tracks)
  }

  /**
   * Called by the room once everyone knows of the participant.
   * @param {import('../../index.js').Transport | null} transport
   */
  start(transport) {
    this.setTransport(transport)
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
    /** @param {import('../../index.js').IncomingTrack} track @param {import('../../index.js').IncomingStream} stream */
    const onTrack = (track, stream) => this.#publish(track, stream)
    /** @param {import('../../index.js').CloseReason} reason */
    const onClosed = reason => this.#transportClosed(reason)
    transport.on('track', onTrack)
    transport.once('closed', onClosed)
    this.#forgetTransport = () => {
      transport.off('track', onTrack)
      transport.off('closed', onClosed)
    }

    this.forward()
    for (const track of transport.incomingTracks) this.#publish(track, track.stream)
    if (transport.closed) this.#transportClosed('closed')
  }

  /** Has the others' media reach the participant the way it should now. */
  forward() {
    if (this.#closed) return
    const { source } = this
    const transport = this.#transport
    if (transport && this.#receive !== 'nothing' && source !== this.#forwardedSource) {
      this.forwarding?.close()
      this.forwarding = this.#forwardingOf(source, transport)
      this.#forwardedSource = source
      for (const slot of this.#slots) if (!slot.closed) addSlot(this.forwarding, slot)
      for (const other of this.room.participants) {
        if (other === this) continue
        for (const publication of other.publications) this.forwarding.add(publication)
      }
    }
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
    if (role === 'listener') {
      for (const publication of this.publications) this.#unpublish(publication)
    }
    this.emit('role', role)
    for (const track of this.#transport?.incomingTracks ?? []) this.#publish(track, track.stream)
    this.forward()
  }

  /** @param {{ audio?: boolean, video?: boolean }} muted */
  setMuted({ audio = this.#muted.audio, video = this.#muted.video }) {
    if (audio === this.#muted.audio && video === this.#muted.video) return
    this.#muted = Object.freeze({ audio, video })
    this.emit('media')
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addSlot(stream) {
    if (this.#receive !== 'slots' || !this.forwarding) {
      throw new TypeError("slots belong to participants who joined with receive: 'slots' and a transport")
    }
    this.#slots.push(stream)
    addSlot(this.forwarding, stream)
  }

  /** @param {string} [reason] */
  leave(reason = 'left') {
    if (this.#closed) return
    this.#closed = true
    this.setTransport(null)
    this.emit('left', reason)
  }

  /**
   * @param {import('./index.js').ReceivedSource} source
   * @param {import('../../index.js').Transport} transport
   */
  #forwardingOf(source, transport) {
    const slots = this.#receive === 'slots'
    if (source === 'mix') {
      return new MixForwarding(this, this.room.needMixing(), {
        ...(!slots && { transport }),
        exceptName: this.#exceptName,
      })
    }
    return slots ? new SlotForwarding(this, this.#exceptName) : new StreamForwarding(this, transport)
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
    this.forwarding?.close()
    this.forwarding = null
    this.#forwardedSource = null
    this.#slots = []
    for (const publication of this.publications) this.#unpublish(publication)
  }

  /**
   * @param {import('../../index.js').IncomingTrack} track
   * @param {import('../../index.js').IncomingStream} stream
   */
  #publish(track, stream) {
    // A viewer's sendrecv m-line is a wish to receive; what it sends is for nobody.
    if (!this.maySend) return
    if (track.closed || this.tracks.length >= this.room.limits.maxTracks) return
    let publication = this.#publications.get(stream)
    if (publication?.tracks.includes(track)) return
    if (publication) {
      publication.addTrack(track)
      return
    }
    publication = new Publication(this, stream, `${this.id}.${++this.#publicationCount}`)
    this.#publications.set(stream, publication)
    const published = publication
    const onClosed = () => this.#unpublish(published)
    stream.once('closed', onClosed)
    publication.once('closed', () => stream.off('closed', onClosed))
    publication.on('change', () => {
      this.#updateSpeaking()
      this.emit('media')
    })
    publication.on('track', added => this.#listenTo(added))
    publication.on('trackclosed', closed => this.#stopListeningTo(closed))
    publication.addTrack(track)
    this.emit('published', publication)
  }

  /** @param {Publication} publication */
  #unpublish(publication) {
    if (!this.#publications.delete(publication.stream)) return
    this.emit('unpublished', publication)
    for (const track of publication.tracks) this.#stopListeningTo(track)
    publication.close()
    this.#updateSpeaking()
    this.emit('media')
  }

  /** @param {import('../../index.js').IncomingTrack} track */
  #listenTo(track) {
    this.room.speakers.add(track, speaking => {
      if (speaking) this.#sounding.add(track)
      else this.#sounding.delete(track)
      this.#updateSpeaking()
    })
  }

  /** @param {import('../../index.js').IncomingTrack} track */
  #stopListeningTo(track) {
    this.room.speakers.remove(track)
    this.#sounding.delete(track)
  }

  #updateSpeaking() {
    const speech = this.publications.filter(publication => publication.speech)
    const speaking = speech.some(publication => publication.tracks.some(track => this.#sounding.has(track)))
    if (speaking === this.#speaking) return
    this.#speaking = speaking
    this.emit('speaking', speaking)
  }
}

/**
 * @param {StreamForwarding | SlotForwarding | MixForwarding} forwarding
 * @param {import('../../index.js').OutgoingStream} slot
 */
function addSlot(forwarding, slot) {
  if (!(forwarding instanceof StreamForwarding)) forwarding.addSlot(slot)
}

exports.Participant = Participant
