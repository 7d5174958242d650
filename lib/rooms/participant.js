'use strict'

const { EventEmitter } = require('node:events')
const { randomBytes } = require('node:crypto')
const { Publication } = require('./publication.js')
const { RoomError } = require('./room-error.js')
const { SlotForwarding } = require('./slot-forwarding.js')
const { SpeechDetector } = require('./speech-detector.js')
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
  #speech = new SpeechDetector(speaking => this.emit('speaking', speaking))
  #receive
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
    this.role = role
    this.joinedAt = Date.now()
    /** @type {unknown} */
    this.appData = options.appData
    this.#receive = options.receive ?? 'streams'
    this.#exceptName = options.exceptName
    this.#leaveOnTransportClosed = options.leaveOnTransportClosed ?? true
    /** @type {StreamForwarding | SlotForwarding | null} */
    this.forwarding = null
  }

  get closed() {
    return this.#closed
  }

  get speaking() {
    return this.#speech.speaking
  }

  get transport() {
    return this.#transport
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
    this.#dropMedia()
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

    if (this.#receive === 'streams') this.forwarding = new StreamForwarding(this, transport)
    if (this.#receive === 'slots') this.forwarding = new SlotForwarding(this, this.#exceptName)
    for (const other of this.room.participants) {
      if (other === this) continue
      for (const publication of other.publications) this.forwarding?.add(publication)
    }
    for (const track of transport.incomingTracks) this.#publish(track, track.stream)
    if (transport.closed) this.#transportClosed('closed')
  }

  /**
   * @param {import('../../index.js').OutgoingStream} stream
   */
  addSlot(stream) {
    if (!(this.forwarding instanceof SlotForwarding)) {
      throw new TypeError("slots belong to participants who joined with receive: 'slots' and a transport")
    }
    this.forwarding.addSlot(stream)
  }

  /** @param {string} [reason] */
  leave(reason = 'left') {
    if (this.#closed) return
    this.#closed = true
    this.setTransport(null)
    this.emit('left', reason)
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
    for (const publication of this.publications) this.#unpublish(publication)
    this.#speech.stop()
  }

  /**
   * @param {import('../../index.js').IncomingTrack} track
   * @param {import('../../index.js').IncomingStream} stream
   */
  #publish(track, stream) {
    // A viewer's sendrecv m-line is a wish to receive; what it sends is for nobody.
    if (this.role === 'viewer') return
    if (track.closed || this.tracks.length >= this.room.limits.maxTracks) return
    let publication = this.#publications.get(stream)
    if (publication?.tracks.includes(track)) return
    if (publication) {
      this.#add(publication, track)
      return
    }
    publication = new Publication(this, stream, `${this.id}.${++this.#publicationCount}`)
    this.#publications.set(stream, publication)
    const published = publication
    stream.once('closed', () => this.#unpublish(published))
    this.#add(publication, track)
    this.emit('published', publication)
  }

  /**
   * @param {Publication} publication
   * @param {import('../../index.js').IncomingTrack} track
   */
  #add(publication, track) {
    if (track.kind === 'audio') {
      track.on('audiolevel', level => {
        if (publication.speech) this.#speech.hear(level)
      })
    }
    publication.addTrack(track)
  }

  /** @param {Publication} publication */
  #unpublish(publication) {
    if (!this.#publications.delete(publication.stream)) return
    this.emit('unpublished', publication)
    publication.emit('closed')
  }
}

exports.Participant = Participant
