import { Chat } from './chat.js'
import { TokenBucket } from './token-bucket.js'
import { participantView } from './views.js'

/** Tells everyone in one room what happens in it, and carries their messages to each other. */
export class RoomSignaling {
  /** By participant id. @type {Map<string, import('./session.js').Session>} */
  #sessions = new Map()
  /** Counts the changes of mode, so that late messages of an earlier one are known. */
  #epoch = 0
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
    room.on('joined', participant => this.#came(participant))
    room.on('left', (participant, reason) => {
      const session = this.#sessions.get(participant.id)
      this.#sessions.delete(participant.id)
      session?.end(reason)
      if (participant.role === 'listener') this.#audienceChanged()
      else this.#broadcast({ type: 'left', participant: participant.id, reason })
    })
    room.on('role', (participant, role) => {
      const session = this.#sessions.get(participant.id)
      session?.send({ type: 'role', role })
      if (role === 'listener') this.#broadcast({ type: 'left', participant: participant.id, reason: 'listens' }, participant.id)
      else this.#came(participant)
      this.#audienceChanged()
    })
    room.on('published', publication => {
      publication.on('track', () => this.updated(publication.participant))
      publication.on('trackclosed', () => this.updated(publication.participant))
      this.updated(publication.participant)
    })
    room.on('unpublished', publication => this.updated(publication.participant))
    room.on('speaking', (participant, speaking) => this.#broadcast({ type: 'speaking', participant: participant.id, speaking }))
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
  }

  /** @param {import('medialoom/rooms').Participant} participant */
  updated(participant) {
    if (participant.closed || participant.role === 'listener') return
    this.#broadcast({ type: 'updated', participant: participantView(participant, this.#sessions.get(participant.id)) }, participant.id)
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
    const target = this.#sessions.get(to)
    if (!target || target === from) {
      from.fail('unknown-participant', 'there is no such participant in the room', { request: 'signal', field: 'to' })
      return
    }
    target.send({
      type: 'signal',
      epoch,
      from: from.participant.id,
      ...(id !== undefined && { id }),
      ...(description && { description }),
      ...(candidate !== undefined && { candidate }),
    })
  }

  /**
   * @param {import('./session.js').Session} by
   * @param {import('medialoom/rooms').RoomMode} mode
   */
  setMode(by, mode) {
    if (mode === this.room.mode || this.#onlyListens(by, 'set-mode')) return
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
    if (layout === this.room.layout || this.#onlyListens(by, 'set-layout')) return
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
  #onlyListens(by, request) {
    if (by.participant.role !== 'listener') return false
    by.fail('not-allowed', 'that is for those on stage to decide', { request })
    return true
  }

  /**
   * Of listeners only the number is told: there may be thousands.
   * @param {import('medialoom/rooms').Participant} participant
   */
  #came(participant) {
    if (participant.role === 'listener') return this.#audienceChanged()
    const view = participantView(participant, this.#sessions.get(participant.id))
    this.#broadcast({ type: 'joined', participant: view }, participant.id)
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
