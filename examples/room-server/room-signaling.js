import { Chat } from './chat.js'
import { narrowDescription } from './peer-description.js'
import { TokenBucket } from './token-bucket.js'
import { recordingMark } from './recording-views.js'
import { participantView } from './views.js'

const SOURCES = /** @type {const} */ (['camera', 'microphone', 'screen'])
const SOURCE_OF_KIND = /** @type {const} */ ({ audio: 'microphone', video: 'camera' })

/** Tells everyone in one room what happens in it, and carries their messages to each other. */
export class RoomSignaling {
  /** By participant id. @type {Map<string, import('./session.js').Session>} */
  #sessions = new Map()
  /** Whom the others were told of, by id. @type {Set<string>} */
  #shown = new Set()
  /** Counts the changes of mode, so that late messages of an earlier one are known. */
  #epoch = 0
  /** What each may send and get, as it was told last. @type {WeakMap<import('medialoom/rooms').Participant, string>} */
  #agreeable = new WeakMap()
  #modeChanges
  #layoutChanges
  #audienceInterval
  /** @type {NodeJS.Timeout | null} */
  #audienceTimer = null

  /**
   * @param {import('medialoom/rooms').Room} room
   * @param {import('./limits.js').Limits} limits
   */
  constructor(room, limits) {
    this.room = room
    this.chat = new Chat(limits)
    this.#modeChanges = new TokenBucket({ perSecond: limits.modeChangesPerSecond, burst: limits.modeChangeBurst })
    this.#layoutChanges = new TokenBucket({ perSecond: limits.layoutChangesPerSecond, burst: limits.layoutChangeBurst })
    this.#audienceInterval = limits.audienceInterval
    // The first is in the room before anybody hears of it.
    for (const participant of room.participants) this.#show(participant, 'left')
    room.on('joined', participant => this.#came(participant))
    room.on('left', (participant, reason, text) => {
      const session = this.#sessions.get(participant.id)
      this.#sessions.delete(participant.id)
      session?.end(reason, text)
      if (participant.role === 'listener') this.#audienceChanged()
      if (this.#shown.delete(participant.id)) this.#broadcast({ type: 'left', participant: participant.id, reason })
    })
    room.on('role', (participant, role) => {
      this.#sessions.get(participant.id)?.send({ type: 'role', role })
      this.#show(participant, 'listens')
      this.#audienceChanged()
    })
    room.on('permissions', (participant, permissions) => {
      const session = this.#sessions.get(participant.id)
      session?.send({ type: 'permissions', permissions })
      this.#show(participant, 'hidden')
      if (session) this.tellLobby(session)
      this.#renegotiate(participant)
    })
    room.on('moderated', participant => {
      this.#tell(participant)
      this.#renegotiate(participant)
    })
    room.on('metadata', participant => this.#tell(participant))
    room.on('hand', (participant, hand) => this.#tellHand(participant, hand))
    room.on('locked', () => this.#broadcast(this.#state()))
    room.on('lobby', () => this.#broadcast(this.#state()))
    room.on('recording', () => this.#broadcast({ type: 'recording', recording: recordingMark(room) }))
    room.on('recorded', ({ reason, error }) => {
      this.#broadcast({ type: 'recording', recording: recordingMark(room), reason, ...(error && { message: error.message }) })
    })
    room.on('waiting', () => {
      for (const session of this.#sessions.values()) this.tellLobby(session, true)
    })
    room.on('published', publication => {
      const { participant } = publication
      publication.on('track', track => {
        this.#watchMute(participant, track)
        this.updated(participant)
      })
      publication.on('trackclosed', () => this.updated(participant))
      for (const track of publication.tracks) this.#watchMute(participant, track)
      this.updated(participant)
    })
    room.on('unpublished', publication => this.updated(publication.participant))
    room.on('speaking', (participant, speaking) => {
      if (this.shows(participant)) this.#broadcast({ type: 'speaking', participant: participant.id, speaking })
    })
  }

  get epoch() {
    return this.#epoch
  }

  get listeners() {
    return this.room.participants.filter(participant => participant.role === 'listener').length
  }

  /** @param {string} participantId */
  session(participantId) {
    return this.#sessions.get(participantId)
  }

  /** @param {import('./session.js').Session} session */
  add(session) {
    this.#sessions.set(session.participant.id, session)
    this.#agreeable.set(session.participant, agreeableOf(session.participant))
  }

  /**
   * Whether the others are told of somebody: of listeners only the number is told, there may be
   * thousands.
   * @param {import('medialoom/rooms').Participant} participant
   */
  shows(participant) {
    return participant.role !== 'listener' && !participant.permissions.hidden
  }

  /**
   * @param {import('medialoom/rooms').Participant} participant
   * @param {boolean} [self] whether they did not do it themselves
   */
  updated(participant, self = false) {
    if (participant.closed) return
    const message = { type: 'updated', participant: participantView(participant, this.#sessions.get(participant.id)) }
    if (this.#shown.has(participant.id)) this.#broadcast(message, self ? undefined : participant.id)
    else if (self) this.#sessions.get(participant.id)?.send(message)
  }

  /**
   * Clients say themselves what they switched off. What has none does not, such as an encoder that falls silent.
   * @param {import('medialoom/rooms').Participant} participant
   * @param {import('medialoom/rooms').PublishedTrack} track
   */
  #watchMute(participant, track) {
    if (this.#sessions.has(participant.id) || !('muted' in track)) return
    const events = /** @type {import('node:events').EventEmitter} */ (track)
    for (const event of ['mute', 'unmute']) events.on(event, () => this.updated(participant))
  }

  /**
   * Who waits in the lobby, to those who may let them in.
   * @param {import('./session.js').Session} session
   * @param {boolean} [changed] also when nobody does
   */
  tellLobby(session, changed = false) {
    const { waiting } = this.room
    if (!session.participant.permissions.roomAdmin || (waiting.length === 0 && !changed)) return
    session.send({ type: 'lobby', waiting: waiting.map(({ id, name }) => ({ id, name })) })
  }

  /**
   * Carries a description or candidate from one browser to another, in mode p2p.
   * @param {import('./session.js').Session} from
   * @param {import('./messages.js').ClientMessageOf<'signal'>} message
   */
  relay(from, { epoch, to, id, description, candidate }) {
    // The sender has not heard of the change of mode yet.
    if (epoch !== this.#epoch) return
    if (this.room.mode !== 'p2p') {
      from.fail('wrong-mode', `the room is in mode ${this.room.mode}`, { request: 'signal' })
      return
    }
    if (from.participant.permissions.hidden) {
      from.fail('forbidden', 'who is hidden has no connection to the others', { request: 'signal' })
      return
    }
    const target = this.#sessions.get(to)
    if (!target || target === from || !this.shows(target.participant)) {
      from.fail('unknown-participant', 'there is no such participant in the room', { request: 'signal', field: 'to' })
      return
    }
    target.send({
      type: 'signal',
      epoch,
      from: from.participant.id,
      ...(id !== undefined && { id }),
      ...(description && { description: { ...description, sdp: narrowDescription(description.sdp, rulesBetween(from, target)) } }),
      ...(candidate !== undefined && { candidate })
    })
  }

  /**
   * In mode p2p what somebody may send is agreed on between browsers, so they have to do it once more. It is
   * the others who are asked: they need not be told by somebody who goes on as before.
   * @param {import('medialoom/rooms').Participant} participant
   */
  #renegotiate(participant) {
    const { id } = participant
    const agreeable = agreeableOf(participant)
    const before = this.#agreeable.get(participant)
    this.#agreeable.set(participant, agreeable)
    if (this.room.mode !== 'p2p' || !this.shows(participant) || before === agreeable) return
    this.#broadcast({ type: 'renegotiate', epoch: this.#epoch, participant: id }, id)
  }

  /**
   * @param {import('./session.js').Session} by
   * @param {import('medialoom/rooms').RoomMode} mode
   */
  setMode(by, mode) {
    if (mode === this.room.mode || this.#mayNot(by, 'set-mode')) return
    if (!this.#modeChanges.take()) {
      by.fail('rate-limited', 'the mode was changed too often; wait some seconds', { request: 'set-mode' })
      return
    }
    // In every other mode the connection to the server is the same.
    const anew = mode === 'p2p' || this.room.mode === 'p2p'
    try {
      this.room.setMode(mode)
    } catch (error) {
      by.fail('wrong-mode', /** @type {Error} */ (error).message, { request: 'set-mode' })
      return
    }
    this.#epoch += 1
    for (const session of this.#sessions.values()) {
      if (anew) session.connectMedia()
      session.send({ type: 'mode', mode, epoch: this.#epoch, connection: session.mediaConnection, by: by.participant.id })
    }
    for (const session of this.#sessions.values()) this.updated(session.participant)
  }

  /**
   * @param {import('./session.js').Session} by
   * @param {import('medialoom/rooms').RoomLayout} layout
   */
  setLayout(by, layout) {
    if (layout === this.room.layout || this.#mayNot(by, 'set-layout')) return
    if (!this.#layoutChanges.take()) {
      by.fail('rate-limited', 'the layout was changed too often; wait some seconds', { request: 'set-layout' })
      return
    }
    this.room.setLayout(layout)
    this.#broadcast({ type: 'layout', layout, by: by.participant.id })
  }

  /**
   * @param {import('./session.js').Session} by
   * @param {string} request
   */
  #mayNot(by, request) {
    if (by.participant.role === 'listener') {
      by.fail('not-allowed', 'that is for those on stage to decide', { request })
      return true
    }
    if (by.participant.permissions.roomAdmin) return false
    by.fail('forbidden', 'that is for the hosts of the room to decide', { request })
    return true
  }

  /** @param {import('medialoom/rooms').Participant} participant */
  #came(participant) {
    if (participant.role === 'listener') this.#audienceChanged()
    this.#show(participant, 'left')
  }

  /**
   * Tells the others of somebody who is to be seen and was not, or the other way round.
   * @param {import('medialoom/rooms').Participant} participant
   * @param {string} reason why they are not to be seen any more
   */
  #show(participant, reason) {
    const { id } = participant
    if (this.shows(participant) === this.#shown.has(id)) return
    if (this.#shown.delete(id)) return this.#broadcast({ type: 'left', participant: id, reason }, id)
    this.#shown.add(id)
    this.#broadcast({ type: 'joined', participant: participantView(participant, this.#sessions.get(id)) }, id)
  }

  /** Something about them changed that they did not do themselves, or not alone. @param {import('medialoom/rooms').Participant} participant */
  #tell(participant) {
    this.updated(participant, true)
  }

  /**
   * @param {import('medialoom/rooms').Participant} participant
   * @param {number | null} hand
   */
  #tellHand(participant, hand) {
    this.#tell(participant)
    if (this.shows(participant)) return
    const { id, name, role } = participant
    for (const session of this.#sessions.values()) {
      if (session.participant.permissions.roomAdmin) session.send({ type: 'hand', participant: { id, name, role }, hand })
    }
  }

  #state() {
    return { type: 'room', locked: this.room.locked, lobby: this.room.lobby }
  }

  #audienceChanged() {
    if (this.#audienceTimer) return
    this.#audienceTimer = setTimeout(() => {
      this.#audienceTimer = null
      this.#broadcast({ type: 'audience', listeners: this.listeners })
    }, this.#audienceInterval)
    this.#audienceTimer.unref()
  }

  /**
   * @param {object} message
   * @param {string} [except]
   */
  #broadcast(message, except) {
    for (const [id, session] of this.#sessions) if (id !== except) session.send(message)
  }
}

/** What somebody may send and get, in a word that can be compared. @param {import('medialoom/rooms').Participant} participant */
function agreeableOf(participant) {
  return [participant.permissions.canSubscribe, ...SOURCES.filter(source => participant.allows(source))].join()
}

/**
 * What may go between two members in mode p2p.
 *
 * @param {import('./session.js').Session} from
 * @param {import('./session.js').Session} to
 * @returns {Parameters<typeof narrowDescription>[1]}
 */
function rulesBetween(from, to) {
  const screens = new Set(from.media.streams.flatMap(({ id, source }) => (source === 'screen' ? [id] : [])))
  return {
    maySend(kind, streams) {
      if (!to.participant.permissions.canSubscribe) return false
      const ofScreen = [...streams].some(id => screens.has(id))
      return from.participant.allows(ofScreen ? 'screen' : SOURCE_OF_KIND[kind])
    },
    // What the other sends on it is said by the other: here it may be a screen or not.
    mayReceive: kind =>
      from.participant.permissions.canSubscribe && (to.participant.allows(SOURCE_OF_KIND[kind]) || to.participant.allows('screen'))
  }
}
