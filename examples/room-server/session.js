import { randomBytes } from 'node:crypto'
import { RoomError } from 'medialoom/rooms'
import { CLOSE } from './connection.js'
import { CHAT_LABEL } from './chat.js'
import { Figures } from './figures.js'
import { Negotiation } from './negotiation.js'
import { TokenBucket } from './token-bucket.js'
import { Viewing } from './viewing.js'
import { recordingMark } from './recording-views.js'
import { handleRequest } from './requests.js'
import { participantView } from './views.js'

/**
 * @typedef {import('./messages.js').ClientMessage} ClientMessage
 * @typedef {{ id: string, source: 'camera' | 'screen' }} AnnouncedStream
 */

/** What a client is told whose participant left. @type {Record<string, { code: number, said: string }>} */
const FAREWELLS = {
  left: { code: CLOSE.normal, said: 'you left the room' },
  kicked: { code: CLOSE.policy, said: 'you were taken out of the room' },
  banned: { code: CLOSE.policy, said: 'you were taken out of the room and cannot come back' },
  replaced: { code: CLOSE.policy, said: 'you came to the room by another connection' }
}

/**
 * One participant who signals by WebSocket. It outlives the WebSocket for a while, so that a
 * client whose network dropped finds its place in the room again.
 */
export class Session {
  /** Known to this client only: whoever has it may take the participant over. */
  token = randomBytes(18).toString('base64url')
  /** What the client says about itself. */
  media = { audio: false, video: false, encrypted: false, streams: /** @type {AnnouncedStream[]} */ ([]) }
  /** Counts the connections to the server's media, so that late messages of an old one are known. */
  #mediaConnection = 0
  /** @type {import('./connection.js').Connection | null} */
  #connection
  /** @type {Negotiation | null} */
  #negotiation = null
  /** @type {NodeJS.Timeout | null} */
  #absence = null
  #resets
  #choices
  #viewing
  #figures

  /**
   * @param {import('medialoom/rooms').Participant} participant
   * @param {object} options
   * @param {import('./connection.js').Connection} options.connection
   * @param {import('./room-signaling.js').RoomSignaling} options.signaling
   * @param {import('./limits.js').Limits} options.limits
   * @param {import('medialoom').Endpoint} options.endpoint
   * @param {object[]} options.iceServers
   * @param {import('./recordings.js').Recordings | null} options.recordings
   */
  constructor(participant, { connection, signaling, limits, endpoint, iceServers, recordings }) {
    this.participant = participant
    this.#connection = connection
    this.signaling = signaling
    this.limits = limits
    this.endpoint = endpoint
    this.iceServers = iceServers
    this.recordings = recordings
    this.#resets = new TokenBucket({ perSecond: limits.resetsPerSecond, burst: limits.resetBurst })
    this.#choices = new TokenBucket({ perSecond: limits.choicesPerSecond, burst: limits.choiceBurst })
    this.#viewing = new Viewing(limits)
    this.#figures = new Figures({ participant, viewing: this.#viewing, limits, send: message => this.send(message) })
    participant.on('forwarding', (_publication, transponder) => this.#forwarding(transponder))
    participant.on('mixing', transponder => this.#forwarding(transponder))
    participant.on('mixingfailed', error => this.fail('mixing-failed', `The mix does not reach you: ${error.message}`))
    participant.on('source', source => this.send({ type: 'source', source }))
    participant.on('forwardingfailed', (publication, _track, error) =>
      this.fail('forwarding-failed', `${publication.participant.name} cannot be shown: ${error.message}`)
    )
    participant.on('slots', () => this.#tellSlots())
    participant.on('message', ({ from, topic, data }) => {
      this.send({ type: 'message', from: from?.id ?? null, ...(topic !== null && { topic }), data })
    })
    participant.on('transportclosed', reason => this.#tellDisconnected(reason))
  }

  get mediaConnection() {
    return this.#mediaConnection
  }

  /** @param {object} message */
  send(message) {
    this.#connection?.send(message)
  }

  /**
   * @param {string} code
   * @param {string} message
   * @param {{ request?: string, field?: string }} [details]
   */
  fail(code, message, details) {
    this.#connection?.fail(code, message, details)
  }

  /** First message to a client that joined, or came back. @param {boolean} resumed */
  welcome(resumed) {
    const { participant } = this
    this.send({
      type: 'welcome',
      resumed,
      session: this.token,
      participant: participant.id,
      room: participant.room.name,
      mode: participant.room.mode,
      role: participant.role,
      permissions: participant.permissions,
      locked: participant.room.locked,
      lobby: participant.room.lobby,
      records: this.recordings !== null,
      recording: recordingMark(participant.room),
      source: participant.source,
      layout: participant.room.layout,
      mixes: participant.room.mixes,
      listeners: this.signaling.listeners,
      epoch: this.signaling.epoch,
      connection: this.#mediaConnection,
      participants: participant.room.participants
        .filter(each => each === participant || this.signaling.shows(each))
        .map(each => participantView(each, this.signaling.session(each.id))),
      iceServers: this.iceServers
    })
    for (const { id, speaking } of participant.room.participants) {
      if (speaking) this.send({ type: 'speaking', participant: id, speaking })
    }
    this.signaling.tellLobby(this)
  }

  /** Gives the participant a new transport, for the client to offer to. */
  connectMedia() {
    const { participant } = this
    this.#mediaConnection += 1
    this.#negotiation = null
    if (participant.room.mode === 'p2p') return
    const connection = this.#mediaConnection
    let transport
    try {
      transport = this.endpoint.createTransport({ appData: participant.id })
    } catch (error) {
      this.fail('media-unavailable', `the server takes no more connections: ${/** @type {Error} */ (error).message}`)
      return
    }
    // `closed` follows, and with it `disconnected` to the client.
    transport.on('error', () => {})
    transport.on('datachannel', channel => {
      if (channel.label === CHAT_LABEL) this.signaling.chat.add(participant, channel)
      else channel.close()
    })
    this.#negotiation = new Negotiation(transport, {
      send: message => this.send({ ...message, connection }),
      fail: (request, error) => this.fail('negotiation-failed', /** @type {Error} */ (error).message, { request })
    })
    transport.on('track', track => {
      if (track.kind === 'video') track.on('demand', () => this.#tellDemand(track))
    })
    this.#viewing.limit(this.#viewing.maxBitrate, transport)
    participant.setTransport(transport)
  }

  /** @param {import('./connection.js').Connection} connection */
  resume(connection) {
    // Two tabs with one session: the newer one has it.
    this.#connection?.bye(CLOSE.policy, 'replaced', 'the session goes on over another WebSocket')
    if (this.#absence) clearTimeout(this.#absence)
    this.#absence = null
    this.#connection = connection
    this.welcome(true)
    if (this.participant.transport) this.#negotiation?.resume()
    else if (this.participant.room.mode !== 'p2p') this.#tellDisconnected('closed')
    for (const track of this.participant.transport?.outgoingTracks ?? []) {
      if (track.transponder) this.#tellEncoding(track.transponder)
    }
    this.#tellSlots()
    this.#figures.tellAllLayers()
    for (const track of this.participant.transport?.incomingTracks ?? []) this.#tellDemand(track)
  }

  /** @param {import('./connection.js').Connection} connection the one that closed */
  disconnected(connection) {
    if (this.#connection !== connection) return
    this.#connection = null
    this.#figures.pause()
    this.#absence = setTimeout(() => this.participant.leave('timeout'), this.limits.resumeTimeout)
    this.#absence.unref()
  }

  /**
   * The participant left.
   * @param {string} reason
   * @param {string | null} text what a moderator had to say of it
   */
  end(reason, text) {
    if (this.#absence) clearTimeout(this.#absence)
    this.#absence = null
    this.#figures.pause()
    const connection = this.#connection
    this.#connection = null
    const { code, said } = FAREWELLS[reason] ?? { code: CLOSE.goingAway, said: 'the room was closed' }
    connection?.bye(code, reason, text ?? said)
  }

  /** @param {ClientMessage} message */
  handle(message) {
    if (this.participant.closed) return
    switch (message.type) {
      case 'join':
        return this.fail('already-joined', 'one WebSocket is one participant', { request: 'join' })
      case 'offer':
        return this.#isCurrent(message) && this.#negotiation?.acceptOffer(message)
      case 'answer':
        return this.#isCurrent(message) && this.#negotiation?.acceptAnswer(message)
      case 'candidate':
        return this.#isCurrent(message) && this.#addCandidate(message.candidate)
      case 'reset':
        return this.#reset()
      case 'signal':
        return this.signaling.relay(this, message)
      case 'media':
        this.media = { audio: message.audio, video: message.video, encrypted: message.encrypted ?? false, streams: message.streams }
        this.participant.setScreens(message.streams.filter(({ source }) => source === 'screen').map(({ id }) => id))
        this.participant.setEncrypted(this.media.encrypted)
        // What is encrypted end to end cannot be mixed.
        this.participant.setMuted({ audio: !message.audio || this.media.encrypted, video: !message.video || this.media.encrypted })
        return this.signaling.updated(this.participant)
      case 'select-encoding':
        return this.#selectEncoding(message)
      case 'view':
        return this.#mayChangeView(message) && this.#viewing.show(message.streams, this.participant.transport)
      case 'limit-downlink':
        return this.#mayChangeView(message) && this.#viewing.limit(message.bitrate, this.participant.transport)
      case 'watch-figures':
        return this.#figures.watch(message.streams)
      case 'set-mode':
        return this.signaling.setMode(this, message.mode)
      case 'set-layout':
        return this.signaling.setLayout(this, message.layout)
      case 'set-source':
        return this.#choose(message, () => this.participant.setSource(message.source))
      case 'set-role':
        if (message.role === 'member' && !this.participant.permissions.canPublish) {
          return this.fail('forbidden', 'you may only listen in this room', { request: 'set-role' })
        }
        return this.#choose(message, () => this.participant.setRole(message.role))
      case 'record':
      case 'moderate':
      case 'hand':
      case 'message':
      case 'metadata':
        return handleRequest(this, message)
      case 'ping':
        return this.send({ type: 'pong' })
      case 'leave':
        return this.participant.leave('left')
    }
  }

  /** @param {{ connection: number }} message */
  #isCurrent(message) {
    return message.connection === this.#mediaConnection
  }

  /** @param {import('medialoom').IceCandidateInit | null} candidate */
  async #addCandidate(candidate) {
    try {
      await this.participant.transport?.addIceCandidate(candidate)
    } catch (error) {
      this.fail('bad-candidate', /** @type {Error} */ (error).message, { request: 'candidate' })
    }
  }

  #reset() {
    if (this.participant.room.mode === 'p2p') {
      this.fail('wrong-mode', 'in mode p2p there is no connection to the server to reset', { request: 'reset' })
    } else if (!this.#resets.take()) {
      this.fail('rate-limited', 'too many new connections; wait some seconds', { request: 'reset' })
    } else {
      this.connectMedia()
      this.send({ type: 'reset', connection: this.#mediaConnection })
    }
  }

  /** @param {ClientMessage} message */
  #mayChangeView({ type }) {
    if (this.#viewing.take()) return true
    this.fail('rate-limited', 'the view was changed too often; wait a second', { request: type })
    return false
  }

  /** @param {import('./messages.js').ClientMessageOf<'select-encoding'>} message */
  #selectEncoding({ stream, encoding }) {
    const track = this.participant.transport?.outgoingTracks.find(each => each.kind === 'video' && each.stream.id === stream)
    const transponder = track?.transponder
    const source = transponder?.incomingTrack
    if (!source) {
      this.fail('unknown-stream', 'no video of that stream is sent to you', { request: 'select-encoding', field: 'stream' })
      return
    }
    if (encoding !== 'auto' && !source.rids.includes(encoding)) {
      this.fail('unknown-encoding', 'the stream has no such encoding', { request: 'select-encoding', field: 'encoding' })
      return
    }
    transponder.selectEncoding(encoding)
    this.#tellEncoding(transponder)
  }

  /** Whose tracks the streams of speakers carry. */
  #tellSlots() {
    const { slots } = this.participant
    if (slots.length === 0) return
    const streams = slots.map(({ stream, kind, participant }) => ({ id: stream, kind, participant: participant?.id ?? null }))
    this.send({ type: 'slots', streams })
  }

  /** @param {string} reason */
  #tellDisconnected(reason) {
    this.send({ type: 'disconnected', connection: this.#mediaConnection, reason })
  }

  /**
   * Whether the client may choose something once more; if not, it is told.
   * @param {string} request
   */
  takeChoice(request) {
    if (this.#choices.take()) return true
    this.fail('rate-limited', 'that was changed too often; wait some seconds', { request })
    return false
  }

  /**
   * What the client chooses for itself alone.
   * @param {ClientMessage} message
   * @param {() => void} change
   */
  #choose({ type }, change) {
    if (!this.takeChoice(type)) return
    try {
      change()
    } catch (error) {
      if (!(error instanceof RoomError)) throw error
      const code = error.code === 'ERR_PARTICIPANT_LIMIT' ? 'room-full' : 'wrong-mode'
      this.fail(code, error.message, { request: type })
    }
  }

  /**
   * Something of the others, or the mix of them, goes to this client.
   * @param {import('medialoom').Transponder} transponder
   */
  #forwarding(transponder) {
    if (transponder.incomingTrack?.kind !== 'video') return
    const { id } = transponder.outgoingTrack.stream
    transponder.on('encoding', () => this.#tellEncoding(transponder))
    transponder.on('layer', () => this.#figures.layerChanged(id))
    this.#viewing.apply(id, transponder)
    this.#tellEncoding(transponder)
  }

  /**
   * Which encodings of its own the client need not make, because nobody takes them.
   * @param {import('medialoom').IncomingTrack} track
   */
  #tellDemand(track) {
    if (track.demand.length === 0) return
    this.send({ type: 'demand', connection: this.#mediaConnection, mid: track.mid, encodings: track.demand })
  }

  /** @param {import('medialoom').Transponder} transponder */
  #tellEncoding(transponder) {
    if (transponder.incomingTrack?.kind !== 'video') return
    this.send({
      type: 'encoding',
      stream: transponder.outgoingTrack.stream.id,
      encodings: [...transponder.incomingTrack.rids],
      selected: transponder.selectedEncoding,
      current: transponder.currentEncoding?.rid ?? null
    })
  }
}
