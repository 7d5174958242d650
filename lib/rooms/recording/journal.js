'use strict'

const { RoomError } = require('../room-error.js')

/** What an index holds at most of each: rooms go on for days. */
const MOST = 10_000
const MOST_MARKS = 1000
const LONGEST_MARK = 1000

/** What happens while a room is recorded: who was there from when to when, who was muted, what was marked. */
class Journal {
  /** @type {{ id: string, identity: string | null, name: string, role: import('../index.js').ParticipantRole, joined: number, left: number | null }[]} */
  participants = []
  /** @type {import('../index.js').RecordedEvent[]} */
  events = []
  /** @type {{ at: number, name: string }[]} */
  marks = []
  /** @type {{ participant: string | null, name: string | null, kind: import('../../../index.js').Kind | null, reason: string }[]} */
  skipped = []
  #room
  #now
  #changed
  /** @type {Map<import('../index.js').Participant, () => void>} */
  #listeners = new Map()

  /**
   * @param {import('../room.js').Room} room
   * @param {{ now: () => number, changed: () => void }} options `now`: seconds since the recording began
   */
  constructor(room, { now, changed }) {
    this.#room = room
    this.#now = now
    this.#changed = changed
  }

  begin() {
    for (const participant of this.#room.participants) this.#add(participant)
    this.#room.on('joined', this.#add)
    this.#room.on('left', this.#remove)
    this.#room.on('mode', this.#mode)
  }

  end() {
    this.#room.off('joined', this.#add)
    this.#room.off('left', this.#remove)
    this.#room.off('mode', this.#mode)
    for (const [participant, listener] of this.#listeners) participant.off('media', listener)
    this.#listeners.clear()
  }

  /** @param {string} name @returns {boolean} whether there was room for it */
  mark(name) {
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_MARK) {
      throw new RoomError('ERR_INVALID_ARG', `a mark has a name of 1 to ${LONGEST_MARK} characters`, { field: 'name' })
    }
    if (this.marks.length >= MOST_MARKS) return false
    this.marks.push({ at: this.#now(), name })
    this.#changed()
    return true
  }

  /** @param {{ type: string } & Record<string, unknown>} event */
  note(event) {
    if (this.events.length >= MOST) return
    this.events.push({ at: this.#now(), ...event })
    this.#changed()
  }

  /**
   * @param {import('../index.js').Participant | null} participant
   * @param {import('../../../index.js').Kind | null} kind
   * @param {string} reason
   */
  skip(participant, kind, reason) {
    if (this.skipped.length >= MOST) return
    this.skipped.push({ participant: participant?.id ?? null, name: participant?.name ?? null, kind, reason })
    this.#changed()
  }

  /** @param {import('../index.js').Participant} participant */
  #add = participant => {
    const { id, identity, name, role, permissions } = participant
    // Of listeners there may be thousands, and nobody is to be told of the hidden.
    if (permissions.hidden || role === 'listener' || role === 'viewer' || this.participants.length >= MOST) return
    this.participants.push({ id, identity, name, role, joined: this.#now(), left: null })
    let before = mutedOf(participant)
    const listener = () => {
      const now = mutedOf(participant)
      for (const kind of /** @type {const} */ (['audio', 'video'])) {
        if (now[kind] !== before[kind]) this.note({ type: now[kind] ? 'muted' : 'unmuted', participant: id, kind })
      }
      before = now
    }
    this.#listeners.set(participant, listener)
    participant.on('media', listener)
    this.#changed()
  }

  /** @param {import('../index.js').Participant} participant */
  #remove = participant => {
    const listener = this.#listeners.get(participant)
    if (listener) participant.off('media', listener)
    this.#listeners.delete(participant)
    const known = this.participants.find(({ id, left }) => id === participant.id && left === null)
    if (!known) return
    known.left = this.#now()
    this.#changed()
  }

  /** @param {import('../index.js').RoomMode} mode */
  #mode = mode => this.note({ type: 'mode', mode })
}

/** By themselves or by a moderator. @param {import('../index.js').Participant} participant */
function mutedOf({ muted, moderated }) {
  return { audio: muted.audio || moderated.audio, video: muted.video || moderated.video }
}

exports.Journal = Journal
