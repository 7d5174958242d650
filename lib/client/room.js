import { Downlink } from './downlink.js'
import { Entry } from './entry.js'
import { Encryption } from './encryption.js'
import { LevelMeter } from './level-meter.js'
import { LocalMedia } from './local-media.js'
import { MediaPath } from './media-path.js'
import { ParticipantStream } from './participant-stream.js'
import { Publishing } from './publishing.js'
import { RoomError } from './room-error.js'
import { readLink } from './room-link.js'
import { RoomRequests } from './room-requests.js'
import { Roster } from './roster.js'
import { Signaling } from './signaling.js'
import { Statistics } from './statistics.js'

/** Clients of a server that stops do not all move in one moment. */
const MOVE_WITHIN_MS = 3000

/** The stream that brings everyone in one picture. */
const MIX = 'mix'

/** Refusals after which somebody who was in the room waits for a place in it. */
const PASSING = ['room-full', 'too-many-rooms', 'too-many-requests', 'rate-limited', 'shutting-down']
/** Goodbyes after which one does not come again; after any other the room is joined anew. */
const FINAL = ['kicked', 'banned', 'rejected', 'replaced', 'unauthorized', 'forbidden']

/** Of a server that asks nobody who they are. @type {import('./index.js').Permissions} */
const UNGUARDED = {
  canPublish: true,
  canPublishSources: null,
  canSubscribe: true,
  canPublishData: true,
  roomAdmin: true,
  roomRecord: false,
  hidden: false
}

/** @typedef {import('./index.js').RoomMode} RoomMode */

/**
 * A visit to one room: who is in it, how media gets there, and what to do when something breaks.
 * index.d.ts says what its events and properties mean.
 */
export class Room extends RoomRequests {
  /** This participant's id. */
  localId = ''
  name
  /** @type {RoomMode} */
  mode
  /** @type {'member' | 'listener'} */
  role
  /** @type {import('./index.js').ReceivedSource} */
  source = 'streams'
  /** @type {import('./index.js').RoomLayout} */
  layout = 'grid'
  mixes = true
  listeners = 0
  locked = false
  lobby = false
  permissions = UNGUARDED
  /** Who waits in the lobby, as room admins are told. @type {{ id: string, name: string }[]} */
  waiting = []
  /** Whether the server records rooms at all. */
  records = false
  /** @type {import('./index.js').RecordingMark | null} */
  recording = null
  rejoins = 0
  media
  downlink
  encryption
  #signal
  #entry
  #signaling
  #path
  #publishing
  #roster
  #statistics = new Statistics()
  #meter = new LevelMeter((id, speaking) => this.#setSpeaking(id, speaking))
  #mix
  #session = ''
  #epoch = 0
  #connection = 0
  /** @type {RTCIceServer[]} */
  #iceServers = []
  #waits = false
  #lost = false
  /** @type {{ code: string, message: string } | null} */
  #ended = null
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer

  /**
   * @param {string | URL} url
   * @param {string | null | (() => string | Promise<string>)} [token]
   * @param {import('./index.js').JoinOptions} [options]
   */
  constructor(url, token, options = {}) {
    const link = readLink(url)
    const name = options.room ?? link.room
    if (!name) throw new TypeError('no room: its name is in the URL after /r/, or in the option `room`')
    const signaling = new Signaling(link.server)
    super(signaling)
    this.name = name
    this.mode = options.mode ?? 'sfu'
    this.role = options.role ?? 'member'
    this.media = /** @type {LocalMedia} */ (options.media ?? new LocalMedia())
    const key = options.key === undefined ? link.key : options.key
    this.encryption = key === null ? null : new Encryption({ passphrase: key, room: name, worker: options.encryptionWorker })
    const { media, encryption } = this
    this.#signaling = signaling
    this.downlink = new Downlink(message => signaling.send(message))
    this.#roster = new Roster({ media, downlink: this.downlink, encryption })
    this.#mix = new ParticipantStream(MIX, 'mix', '', this.#roster.remote)
    const standing = () => ({ role: this.role, permissions: this.permissions, moderated: this.local?.moderated })
    this.#publishing = new Publishing({ media, encrypted: encryption !== null, standing })
    const maySend = (/** @type {import('./index.js').PublishedSource} */ source) => this.maySend(source)
    this.#path = new MediaPath({ signaling, media, encryption, publish: options.publish ?? {}, maySend })
    this.#path.on('stream', stream => this.#streamCame(stream))
    this.#path.on('chat', line => this.#chatCame(line))
    this.#path.on('state', () => this.emit('state', this.state))
    this.#signal = options.signal
    this.#entry = new Entry({
      signaling,
      token: token ?? link.token,
      request: () => ({
        room: this.name,
        name: options.name ?? 'Guest',
        mode: this.mode,
        role: this.role,
        ...(options.source && { source: options.source }),
        ...(this.#session && { session: this.#session })
      }),
      giveUp: (code, message) => this.#end(code, message)
    })
    signaling.on('lost', () => {
      this.#lost = true
      this.emit('state', this.state)
    })
    signaling.on('message', message => this.#handle(message))
  }

  /** In joining order, this page among them. */
  get participants() {
    return /** @type {ReadonlyMap<string, import('./participant.js').Participant>} */ (this.#roster.participants)
  }

  /** This page's own participant; null before it is in the room. */
  get local() {
    return this.#roster.participants.get(this.localId) ?? null
  }

  /** Who wants to speak, the longest first. */
  get hands() {
    return this.#roster.hands
  }

  /** Everyone in one picture and one sound; null when each comes for themselves. */
  get mix() {
    return this.source === 'mix' && this.mode !== 'p2p' ? this.#mix : null
  }

  get joined() {
    return this.localId !== ''
  }

  /** @returns {import('./index.js').RoomState} */
  get state() {
    if (this.#ended) return 'ended'
    if (this.#waits) return 'waiting'
    if (!this.joined) return 'connecting'
    if (this.#lost) return 'reconnecting'
    const { state } = this.#path
    if (state === 'connected') return 'connected'
    return state === 'failed' || state === 'disconnected' ? 'reconnecting' : 'connecting'
  }

  /** Whether the server is out of reach; media may go on meanwhile. */
  get signalingLost() {
    return this.#lost
  }

  /**
   * Enters. To be called once.
   * @returns {Promise<Room>} this room, when it let one in
   */
  async join() {
    this.media.addEventListener('change', this.#mediaChanged)
    this.#entry.begin(this.#signal)
    await this.#entry.admitted
    return this
  }

  leave() {
    if (this.#ended) return
    this.#signaling.send({ type: 'leave' })
    this.#end('left', 'you left the room')
  }

  /** @param {string} text @returns {boolean} whether it was sent */
  sendChat(text) {
    return this.#path.sendChat(text)
  }

  /** Figures of every track sent and received, by track id. */
  async figures() {
    return this.#statistics.sample(this.#path.peerConnections)
  }

  /** @param {string} trackId @returns {number[]} bits per second at each call of {@link figures}, the last 40 */
  bitrateHistory(trackId) {
    return this.#statistics.history(trackId)
  }

  /** Whether anybody would get it. @param {import('./index.js').PublishedSource} source */
  maySend(source) {
    return this.#publishing.maySend(source)
  }

  /** @param {any} message */
  #handle(message) {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message)
      case 'waiting':
        this.#waits = true
        this.#lost = false
        this.emit('waiting')
        return this.emit('state', this.state)
      case 'joined':
      case 'updated':
        return this.#participantChanged(message.participant)
      case 'left':
        return this.#participantLeft(message)
      case 'mode':
        return this.#modeChanged(message)
      case 'source':
        return this.#sourceChanged(message.source)
      case 'slots':
        this.#roster.slots.assign(message.streams)
        this.emit('stream', null)
        return this.emit('participants')
      case 'role':
        return this.#roleChanged(message.role)
      case 'layout':
        return this.#set({ layout: message.layout })
      case 'audience':
        return this.#set({ listeners: message.listeners })
      case 'room':
        return this.#set({ locked: message.locked, lobby: message.lobby })
      case 'permissions':
        this.#set({ permissions: message.permissions })
        return this.#mediaChanged()
      case 'recording':
        return this.#recordingChanged(message)
      case 'lobby':
        return this.#setWaiting(message.waiting)
      case 'message':
        return this.emit('message', { from: message.from ?? null, topic: message.topic ?? '', data: message.data })
      case 'reset':
        this.#connection = message.connection
        return this.#connect()
      case 'disconnected':
        if (message.connection === this.#connection) this.#path.resetLater()
        return
      case 'speaking':
        return this.#setSpeaking(message.participant, message.speaking)
      case 'hand':
        // Of a listener, who is not among the participants; told to room admins.
        return this.#handChanged(message.participant, message.hand)
      case 'error':
        return this.#failed(message)
      case 'move':
        return this.#move(message)
      case 'bye':
        return FINAL.includes(message.code) ? this.#end(message.code, message.message) : undefined
      default:
        if (!this.downlink.handle(message)) this.#path.handle(message)
    }
  }

  /** @param {any} message */
  #welcome(message) {
    const again = this.joined
    this.#lost = this.#waits = false
    this.#session = message.session
    this.localId = message.participant
    this.name = message.room
    this.#iceServers = message.iceServers
    this.#roster.replace(message.participants, this.localId)
    const {
      mode,
      role,
      source,
      layout,
      mixes,
      listeners,
      locked = false,
      lobby = false,
      permissions = UNGUARDED,
      records = false,
      recording = null
    } = message
    Object.assign(this, { mode, role, source, layout, mixes, listeners, locked, lobby, permissions, records })
    const known = message.resumed && message.epoch === this.#epoch && message.connection === this.#connection
    this.#epoch = message.epoch
    this.#connection = message.connection
    if (known && this.#path.exists) {
      for (const id of this.participants.keys()) this.#path.meet(id)
      this.#forgetOtherSource()
      this.#path.resume()
      this.#path.sync()
    } else {
      this.#connect()
    }
    this.#announceMedia()
    this.downlink.resume()
    this.#entry.succeed()
    if (again && !message.resumed) {
      this.rejoins += 1
      this.emit('rejoined')
    }
    // Hosts are told next who is there now.
    if (this.waiting.length > 0) this.#setWaiting([])
    if (recording || this.recording) this.#recordingChanged({ recording })
    this.emit('settings')
    this.emit('participants')
    this.emit('state', this.state)
  }

  /** Sets up media anew, in the room's mode. */
  #connect() {
    this.#roster.arrived.clear()
    this.#roster.slots.assign([])
    this.downlink.clear()
    this.#meter.stop()
    if (this.mode === 'p2p') {
      this.#path.connectDirectly({ epoch: this.#epoch, own: this.localId, iceServers: this.#iceServers, others: this.participants.keys() })
      this.#meter.listen(this.localId, this.media.audioTrack)
    } else {
      this.#path.connect(this.#connection)
    }
    this.emit('stream', null)
    this.emit('state', this.state)
  }

  /** @param {any} view */
  #participantChanged(view) {
    const { participant, isNew, handChanged } = this.#roster.update(view)
    if (isNew) this.#path.meet(participant.id)
    this.#listenTo(participant)
    if (participant.isLocal) {
      this.#publishing.heed(participant.moderated)
      this.#mediaChanged()
    }
    if (isNew) this.emit('joined', participant)
    if (handChanged) this.#handChanged(participant, participant.hand)
    this.emit('participants')
  }

  /** @param {{ id: string, name: string }} who @param {number | null} since */
  #handChanged({ id, name }, since) {
    this.#roster.setHand({ id, name, since })
    this.emit('hand', { id, name, since })
  }

  /** @param {{ participant: string, reason: string }} message */
  #participantLeft({ participant: id, reason }) {
    const participant = this.#roster.remove(id)
    if (!participant) return
    this.#meter.forget(id)
    for (const stream of participant.streams) this.downlink.forget(stream.id)
    this.#path.part(id)
    this.emit('left', { participant, reason })
    this.emit('participants')
  }

  /** @param {{ mode: RoomMode, epoch: number, connection: number, by: string }} message */
  #modeChanged({ mode, epoch, connection, by }) {
    // Between the server's modes the connection stays, and other tracks come over it.
    const stays = connection === this.#connection && mode !== 'p2p' && this.#path.isToServer
    this.mode = mode
    this.#epoch = epoch
    this.#connection = connection
    if (!stays) {
      this.#roster.silence()
      this.#connect()
      this.#announceMedia()
    }
    this.emit('mode', { mode, by })
    this.emit('settings')
    this.emit('participants')
  }

  /** @param {import('./index.js').ReceivedSource} source */
  #sourceChanged(source) {
    this.source = source
    if (source !== 'speakers') this.#roster.slots.assign([])
    this.#forgetOtherSource()
    this.emit('settings')
    this.emit('stream', null)
  }

  /** Streams of what was received before come no more. */
  #forgetOtherSource() {
    if (this.mode === 'p2p') return
    const gone = this.#roster.forgetStreams(id => (id === MIX) !== (this.source === 'mix'))
    for (const id of gone) this.downlink.forget(id)
  }

  /** @param {'member' | 'listener'} role */
  #roleChanged(role) {
    this.role = role
    if (this.local) this.local.role = role
    if (role === 'listener') this.media.stop()
    this.#mediaChanged()
    this.emit('role', role)
    this.emit('settings')
  }

  /** @param {MediaStream} stream */
  #streamCame(stream) {
    this.#roster.arrived.set(stream.id, stream)
    const changed = () => {
      if (stream.getTracks().length === 0) {
        this.#roster.arrived.delete(stream.id)
        this.downlink.forget(stream.id)
      }
      this.#roster.slots.sync()
      for (const participant of this.participants.values()) this.#listenTo(participant)
      this.emit('stream', stream.id === MIX ? this.#mix : this.#roster.streamOf(stream.id))
    }
    // Tracks come and go within a stream.
    stream.onaddtrack = stream.onremovetrack = changed
    changed()
  }

  /** @param {import('./participant.js').Participant} participant */
  #listenTo(participant) {
    if (this.mode === 'p2p' && !participant.isLocal) this.#meter.listen(participant.id, participant.camera?.audioTrack)
  }

  /** @param {any} line */
  #chatCame(line) {
    if (line.error) return this.emit('error', new RoomError('chat-failed', line.error))
    this.emit('chat', { ...line, name: line.name ?? this.participants.get(line.from)?.name ?? '' })
  }

  #mediaChanged = () => {
    this.#path.sync()
    if (this.mode === 'p2p') this.#meter.listen(this.localId, this.media.audioTrack)
    if (this.joined) this.#announceMedia()
    this.emit('participants')
  }

  #announceMedia() {
    this.#roster.syncLocal(this.#publishing.on)
    this.#signaling.send(this.#publishing.announcement)
  }

  /** @param {string} id @param {boolean} speaking */
  #setSpeaking(id, speaking) {
    const participant = this.participants.get(id)
    if (!participant) return
    participant.speaking = speaking
    this.emit('speaking', participant)
  }

  /** @param {{ id: string, name: string }[]} waiting */
  #setWaiting(waiting) {
    this.waiting = waiting
    this.emit('lobby', waiting)
  }

  /** @param {{ recording: import('./index.js').RecordingMark | null, reason?: string | null, message?: string | null }} message */
  #recordingChanged({ recording, reason = null, message = null }) {
    this.recording = recording
    this.emit('recording', { recording, reason, message })
  }

  /** @param {Partial<Room>} settings */
  #set(settings) {
    Object.assign(this, settings)
    this.emit('settings')
  }

  /** @param {{ code: string, message: string, request?: string, field?: string }} error */
  #failed({ code, message, ...details }) {
    if (details.request === 'join') {
      // A visit that had begun waits for its place.
      if (this.joined && PASSING.includes(code)) this.#entry.askAgain()
      else this.#end(code, message)
      return
    }
    if (code === 'negotiation-failed' || details.request === 'reset') this.#path.resetLater()
    this.emit('error', new RoomError(code, message, details))
  }

  /**
   * The server stops, and names another one, or comes back itself: then the WebSocket is opened again
   * when it breaks, as always.
   * @param {{ deadline: number, url?: string }} message
   */
  #move({ deadline, url }) {
    this.emit('moving', { deadline, url: url ?? null })
    if (!url) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#signaling.moveTo(readLink(url).server), Math.random() * MOVE_WITHIN_MS)
  }

  /** @param {string} code @param {string} message */
  #end(code, message) {
    if (this.#ended) return
    this.#ended = { code, message }
    this.media.removeEventListener('change', this.#mediaChanged)
    clearTimeout(this.#timer)
    this.#signaling.close()
    this.#path.close()
    this.#meter.stop()
    this.downlink.close()
    this.encryption?.close()
    this.#entry.close(new RoomError(code, message, { request: 'join' }))
    this.emit('state', this.state)
    this.emit('ended', this.#ended)
  }
}
