import { Downlink } from './downlink.js'
import { Encryption } from './encryption.js'
import { LevelMeter } from './level-meter.js'
import { Mesh } from './mesh.js'
import { SfuConnection } from './sfu-connection.js'
import { Signaling } from './signaling.js'
import { Statistics } from './statistics.js'

const FIRST_RESET_MS = 500
const LAST_RESET_MS = 10_000

/** The stream that brings everyone in one picture. */
export const MIX = 'mix'

const MODE_WORDS = {
  sfu: 'the server: everyone is forwarded',
  mcu: 'the mix: the server sends everyone one picture of all',
  broadcast: 'broadcast: listeners get the mix',
  p2p: 'direct connections',
}

/**
 * @typedef {'sfu' | 'mcu' | 'broadcast' | 'p2p'} Mode
 * @typedef {'member' | 'listener' | 'publisher' | 'viewer'} Role
 * @typedef {'mix' | 'streams'} Source
 * @typedef {'grid' | 'speaker' | 'pip' | 'sidebar'} Layout
 */

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {Role} role
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} encrypted whether it says that it encrypts end to end
 * @property {{ id: string, source: 'camera' | 'screen' }[]} streams
 */

/**
 * A visit to one room: who is in it, how media gets there, and what to do when something breaks.
 *
 * Events: `participants`, `stream`, `speaking`, `mode` (which tells of role, source and layout as
 * well), `state` (see the properties);
 * `chat` (detail: the line), `notice` (detail: { text, bad }), `refused` and `over` (detail: text).
 */
export class Call extends EventTarget {
  /** This participant's id. */
  own = ''
  room
  name
  /** @type {Mode} */
  mode
  /** Whether one speaks, or only listens. @type {'member' | 'listener'} */
  role
  /** Whether everyone comes in one picture, or each for themselves. @type {Source} */
  source = 'streams'
  /** Of the mixed picture. @type {Layout} */
  layout = 'grid'
  /** Whether the server mixes at all. */
  mixes = true
  /** How many only listen. They are not among the participants. */
  listeners = 0
  /** In joining order. @type {Map<string, Participant>} */
  participants = new Map()
  /** Streams of the others, by the id in {@link Participant.streams}. @type {Map<string, MediaStream>} */
  streams = new Map()
  /** Ids of participants. @type {Set<string>} */
  speaking = new Set()
  /** What the server sends of each stream, and how much fits. */
  downlink = new Downlink(message => this.#signaling.send(message))
  /** Null when nothing is encrypted end to end. @type {Encryption | null} */
  encryption
  /** Counts how often this visit began anew because the server had forgotten it. */
  rejoins = 0
  media
  #signaling
  #session = ''
  #epoch = 0
  #connectionNumber = 0
  /** @type {RTCIceServer[]} */
  #iceServers = []
  /** @type {SfuConnection | Mesh | null} */
  #connection = null
  #statistics = new Statistics()
  #meter = new LevelMeter((id, speaking) => this.#setSpeaking(id, speaking))
  /** @type {number | undefined} */
  #resetTimer
  #resets = 0
  #signalingLost = false

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {string} options.name
   * @param {Mode} options.mode of the room, if it is new
   * @param {'member' | 'listener'} options.role
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {string | null} options.passphrase for end-to-end encryption, null for none
   */
  constructor({ room, name, mode, role, media, passphrase }) {
    super()
    this.room = room
    this.name = name
    this.mode = mode
    this.role = role
    this.media = media
    this.encryption = passphrase === null ? null : new Encryption({ passphrase, room })
    const url = new URL('/signaling', location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#signaling = new Signaling(url.href)
    this.#signaling.addEventListener('open', () => this.#join())
    this.#signaling.addEventListener('lost', () => {
      this.#signalingLost = true
      this.#emit('state')
    })
    this.#signaling.addEventListener('message', event => this.#handle(/** @type {CustomEvent} */ (event).detail))
    media.addEventListener('change', this.#mediaChanged)
    this.#signaling.connect()
  }

  get joined() {
    return this.own !== ''
  }

  /** @returns {'connecting' | 'connected' | 'lost'} */
  get state() {
    if (this.#signalingLost) return 'lost'
    const state = this.#connection?.state
    if (state === 'connected') return 'connected'
    return state === 'failed' || state === 'disconnected' ? 'lost' : 'connecting'
  }

  get signalingLost() {
    return this.#signalingLost
  }

  /** @param {Mode} mode */
  setMode(mode) {
    if (mode !== this.mode) this.#signaling.send({ type: 'set-mode', mode })
  }

  /** Of this page alone. @param {Source} source */
  setSource(source) {
    if (source !== this.source) this.#signaling.send({ type: 'set-source', source })
  }

  /** @param {'member' | 'listener'} role */
  setRole(role) {
    if (role !== this.role) this.#signaling.send({ type: 'set-role', role })
  }

  /** Of the mixed picture, for everyone. @param {Layout} layout */
  setLayout(layout) {
    if (layout !== this.layout) this.#signaling.send({ type: 'set-layout', layout })
  }

  /** @param {string} text @returns {boolean} whether it was sent */
  sendChat(text) {
    return this.#connection?.sendChat(text) ?? false
  }

  /** Figures of every track sent and received, by track id. */
  async figures() {
    return this.#statistics.sample(this.#connection?.peerConnections ?? [])
  }

  /** @param {string} trackId */
  bitrateHistory(trackId) {
    return this.#statistics.history(trackId)
  }

  leave() {
    this.media.removeEventListener('change', this.#mediaChanged)
    this.#signaling.send({ type: 'leave' })
    this.#signaling.close()
    clearTimeout(this.#resetTimer)
    this.#connection?.close()
    this.#connection = null
    this.#meter.stop()
    this.downlink.close()
    this.encryption?.close()
  }

  #join() {
    this.#signaling.send({
      type: 'join',
      room: this.room,
      name: this.name,
      mode: this.mode,
      role: this.role,
      ...(this.#session && { session: this.#session }),
    })
  }

  /** @param {any} message */
  #handle(message) {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message)
      case 'joined':
      case 'updated':
        return this.#participantChanged(message.participant)
      case 'left':
        return this.#participantLeft(message.participant)
      case 'mode':
        return this.#modeChanged(message)
      case 'source':
        return this.#sourceChanged(message.source)
      case 'role':
        return this.#roleChanged(message.role)
      case 'layout':
        this.layout = message.layout
        return this.#emit('mode')
      case 'audience':
        this.listeners = message.listeners
        return this.#emit('mode')
      case 'reset':
        this.#connectionNumber = message.connection
        return this.#connect()
      case 'disconnected':
        if (message.connection === this.#connectionNumber) this.#resetLater()
        return
      case 'speaking':
        return this.#setSpeaking(message.participant, message.speaking)
      case 'error':
        return this.#failed(message)
      case 'bye':
        return this.#dismissed(message)
      default:
        if (!this.downlink.handle(message)) this.#connection?.handle(message)
    }
  }

  /** @param {any} message */
  #welcome(message) {
    const again = this.joined
    this.#signalingLost = false
    this.#session = message.session
    this.own = message.participant
    this.room = message.room
    this.#iceServers = message.iceServers
    // The server says next who is speaking.
    this.speaking.clear()
    this.participants = new Map(message.participants.map((/** @type {Participant} */ each) => [each.id, each]))
    const known = message.resumed && message.epoch === this.#epoch && message.connection === this.#connectionNumber
    this.mode = message.mode
    this.role = message.role
    this.source = message.source
    this.layout = message.layout
    this.mixes = message.mixes
    this.listeners = message.listeners
    this.#epoch = message.epoch
    this.#connectionNumber = message.connection
    if (again && !message.resumed) {
      this.rejoins += 1
      this.#notice('The server had forgotten this call. You are back in the room.')
    }
    if (known && this.#connection) {
      if (this.#connection instanceof Mesh) this.#meetEveryone(this.#connection)
      this.#forgetOtherSource()
      this.#connection.resume()
    } else {
      this.#connect()
    }
    this.#announceMedia()
    this.downlink.resume()
    this.#emit('mode')
    this.#emit('participants')
    this.#emit('state')
  }

  /** Sets up media anew, in the room's mode. */
  #connect() {
    clearTimeout(this.#resetTimer)
    this.#resetTimer = undefined
    this.#connection?.close()
    this.streams.clear()
    this.downlink.clear()
    this.#meter.stop()
    const { media, encryption } = this
    const connection =
      this.mode !== 'p2p'
        ? new SfuConnection({
            signaling: this.#signaling,
            media,
            encryption,
            connection: this.#connectionNumber,
            speaks: () => this.role === 'member',
          })
        : new Mesh({ signaling: this.#signaling, media, encryption, epoch: this.#epoch, own: this.own, iceServers: this.#iceServers })
    this.#connection = connection
    connection.addEventListener('stream', event => this.#streamCame(/** @type {CustomEvent} */ (event).detail))
    connection.addEventListener('chat', event => this.#chatCame(/** @type {CustomEvent} */ (event).detail))
    connection.addEventListener('state', () => {
      if (connection.state === 'connected') this.#resets = 0
      this.#emit('state')
    })
    connection.addEventListener('broken', () => this.#resetLater())
    if (connection instanceof Mesh) {
      this.#meetEveryone(connection)
      this.#meter.listen(this.own, media.audioTrack)
    }
    this.#emit('stream')
    this.#emit('state')
  }

  /** @param {Mesh} mesh */
  #meetEveryone(mesh) {
    for (const id of this.participants.keys()) mesh.add(id)
  }

  /** Only a new connection to the server's media helps. */
  #resetLater() {
    if (this.mode === 'p2p' || this.#resetTimer !== undefined) return
    const delay = Math.min(FIRST_RESET_MS * 2 ** this.#resets, LAST_RESET_MS)
    this.#resets += 1
    this.#resetTimer = setTimeout(() => {
      this.#resetTimer = undefined
      this.#signaling.send({ type: 'reset' })
    }, delay)
    this.#emit('state')
  }

  /** @param {Participant} participant */
  #participantChanged(participant) {
    if (participant.id === this.own) return
    const isNew = !this.participants.has(participant.id)
    this.participants.set(participant.id, participant)
    if (isNew && this.#connection instanceof Mesh) this.#connection.add(participant.id)
    if (isNew && participant.role !== 'viewer') this.#notice(`${participant.name} came in`)
    this.#listenTo(participant)
    this.#emit('participants')
  }

  /** @param {string} id */
  #participantLeft(id) {
    const participant = this.participants.get(id)
    if (!participant) return
    this.participants.delete(id)
    this.speaking.delete(id)
    this.#meter.forget(id)
    for (const stream of participant.streams) {
      this.streams.delete(stream.id)
      this.downlink.forget(stream.id)
    }
    if (this.#connection instanceof Mesh) this.#connection.remove(id)
    if (participant.role !== 'viewer') this.#notice(`${participant.name} left`)
    this.#emit('participants')
  }

  /** @param {{ mode: Mode, epoch: number, connection: number, by: string }} message */
  #modeChanged({ mode, epoch, connection, by }) {
    // Between the server's modes the connection stays, and other tracks come over it.
    const stays = connection === this.#connectionNumber && mode !== 'p2p' && this.#connection instanceof SfuConnection
    this.mode = mode
    this.#epoch = epoch
    this.#connectionNumber = connection
    const who = by === this.own ? 'You' : this.participants.get(by)?.name ?? 'Someone'
    this.#notice(`${who} switched to ${MODE_WORDS[mode]}`)
    if (!stays) {
      this.speaking.clear()
      this.#connect()
      this.#announceMedia()
    }
    this.#emit('mode')
    this.#emit('participants')
  }

  /** @param {Source} source */
  #sourceChanged(source) {
    this.source = source
    this.#forgetOtherSource()
    if (source === 'mix' && this.encryption) {
      this.#notice('The server cannot mix what it cannot read: those who encrypt are not in the picture.', true)
    }
    this.#emit('mode')
    this.#emit('stream')
  }

  /** Streams of what was received before come no more. */
  #forgetOtherSource() {
    if (this.mode === 'p2p') return
    for (const id of this.streams.keys()) {
      if ((id === MIX) === (this.source === 'mix')) continue
      this.streams.delete(id)
      this.downlink.forget(id)
    }
  }

  /** @param {'member' | 'listener'} role */
  #roleChanged(role) {
    this.role = role
    const own = this.participants.get(this.own)
    if (own) own.role = role
    if (role === 'listener') this.media.stop()
    this.#notice(role === 'member' ? 'You are on stage: the others see and hear you' : 'You only listen now')
    this.#mediaChanged()
    this.#emit('mode')
  }

  /** @param {MediaStream} stream */
  #streamCame(stream) {
    this.streams.set(stream.id, stream)
    // Tracks come and go within a stream.
    stream.onaddtrack = stream.onremovetrack = () => {
      for (const participant of this.participants.values()) this.#listenTo(participant)
      this.#emit('stream')
    }
    for (const participant of this.participants.values()) this.#listenTo(participant)
    this.#emit('stream')
  }

  /** @param {Participant} participant */
  #listenTo(participant) {
    if (this.mode !== 'p2p' || participant.id === this.own) return
    const camera = participant.streams.find(stream => stream.source === 'camera')
    this.#meter.listen(participant.id, camera && this.streams.get(camera.id)?.getAudioTracks()[0])
  }

  /** @param {any} line */
  #chatCame(line) {
    if (line.error) this.#notice(line.error, true)
    else this.#emit('chat', { ...line, name: line.name ?? this.participants.get(line.from)?.name ?? 'Someone' })
  }

  #mediaChanged = () => {
    this.#connection?.sync()
    if (this.mode === 'p2p') this.#meter.listen(this.own, this.media.audioTrack)
    if (this.joined) this.#announceMedia()
    this.#emit('participants')
  }

  #announceMedia() {
    const { media } = this
    const speaks = this.role === 'member'
    this.#signaling.send({
      type: 'media',
      audio: speaks && media.audio,
      video: speaks && media.video,
      encrypted: this.encryption !== null,
      streams: [
        { id: media.camera.id, source: 'camera' },
        ...(media.screen ? [{ id: media.screen.id, source: 'screen' }] : []),
      ],
    })
  }

  /** @param {string} id @param {boolean} speaking */
  #setSpeaking(id, speaking) {
    if (speaking) this.speaking.add(id)
    else this.speaking.delete(id)
    this.#emit('speaking')
  }

  /** @param {{ code: string, message: string, request?: string }} error */
  #failed({ code, message, request }) {
    if (request === 'join') {
      // The server is full for the moment; a visit that had begun waits for its place.
      if (this.joined && code !== 'bad-message') setTimeout(() => this.#join(), 3000)
      else {
        this.#signaling.close()
        this.#emit('refused', message)
      }
      return
    }
    if (code === 'negotiation-failed' || request === 'reset') this.#resetLater()
    this.#notice(message, true)
  }

  /** @param {{ code: string, message: string }} bye */
  #dismissed({ code, message }) {
    if (code === 'left') return
    // After anything else the WebSocket is opened again, and the room joined anew.
    if (!['replaced', 'kicked', 'banned', 'rejected'].includes(code)) return
    this.leave()
    this.#emit('over', message)
  }

  /** @param {string} text @param {boolean} [bad] */
  #notice(text, bad = false) {
    this.#emit('notice', { text, bad })
  }

  /** @param {string} type @param {unknown} [detail] */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}
