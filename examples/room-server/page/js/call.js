import { Downlink } from './downlink.js'
import { Encryption } from './encryption.js'
import { LevelMeter } from './level-meter.js'
import { Mesh } from './mesh.js'
import { SfuConnection } from './sfu-connection.js'
import { Signaling } from './signaling.js'
import { Statistics } from './statistics.js'

const FIRST_RESET_MS = 500
const LAST_RESET_MS = 10_000

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {'member' | 'publisher' | 'viewer'} role
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} encrypted whether it says that it encrypts end to end
 * @property {{ id: string, source: 'camera' | 'screen' }[]} streams
 */

/**
 * A visit to one room: who is in it, how media gets there, and what to do when something breaks.
 *
 * Events: `participants`, `stream`, `speaking`, `mode`, `state` (see the properties);
 * `chat` (detail: the line), `notice` (detail: { text, bad }), `refused` and `over` (detail: text).
 */
export class Call extends EventTarget {
  /** This participant's id. */
  own = ''
  room
  name
  /** @type {'sfu' | 'p2p'} */
  mode
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
   * @param {'sfu' | 'p2p'} options.mode of the room, if it is new
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {string | null} options.passphrase for end-to-end encryption, null for none
   */
  constructor({ room, name, mode, media, passphrase }) {
    super()
    this.room = room
    this.name = name
    this.mode = mode
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

  /** @param {'sfu' | 'p2p'} mode */
  setMode(mode) {
    if (mode !== this.mode) this.#signaling.send({ type: 'set-mode', mode })
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
    this.#epoch = message.epoch
    this.#connectionNumber = message.connection
    if (again && !message.resumed) {
      this.rejoins += 1
      this.#notice('The server had forgotten this call. You are back in the room.')
    }
    if (known && this.#connection) {
      if (this.#connection instanceof Mesh) this.#meetEveryone(this.#connection)
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
      this.mode === 'sfu'
        ? new SfuConnection({ signaling: this.#signaling, media, encryption, connection: this.#connectionNumber })
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
    if (this.mode !== 'sfu' || this.#resetTimer !== undefined) return
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

  /** @param {{ mode: 'sfu' | 'p2p', epoch: number, connection: number, by: string }} message */
  #modeChanged({ mode, epoch, connection, by }) {
    this.mode = mode
    this.#epoch = epoch
    this.#connectionNumber = connection
    this.speaking.clear()
    const who = by === this.own ? 'You' : this.participants.get(by)?.name ?? 'Someone'
    this.#notice(mode === 'sfu' ? `${who} switched to the server: media passes it now` : `${who} switched to direct connections`)
    this.#connect()
    this.#announceMedia()
    this.#emit('mode')
    this.#emit('participants')
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
    this.#signaling.send({
      type: 'media',
      audio: media.audio,
      video: media.video,
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
    if (code !== 'replaced') return
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
