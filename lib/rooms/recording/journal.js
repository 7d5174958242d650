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
  #now
  #changed
  /** What was muted of whom. @type {Map<string, { audio: boolean, video: boolean }>} */
  #muted = new Map()

  /** @param {{ now: () => number, changed: () => void }} options `now`: seconds since the recording began */
  constructor({ now, changed }) {
    this.#now = now
    this.#changed = changed
  }

  /** Somebody is there. @param {import('../index.js').Participant} participant */
  add(participant) {
    const { id, identity, name, role, permissions } = participant
    // Of listeners there may be thousands, and nobody is to be told of the hidden.
    if (permissions.hidden || role === 'listener' || role === 'viewer' || this.participants.length >= MOST) return
    this.participants.push({ id, identity, name, role, joined: this.#now(), left: null })
    this.#muted.set(id, mutedOf(participant))
    this.#changed()
  }

  /** What they send changed. @param {import('../index.js').Participant} participant */
  update(participant) {
    const { id } = participant
    const before = this.#muted.get(id)
    if (!before) return
    const now = mutedOf(participant)
    this.#muted.set(id, now)
    for (const kind of /** @type {const} */ (['audio', 'video'])) {
      if (now[kind] !== before[kind]) this.note({ type: now[kind] ? 'muted' : 'unmuted', participant: id, kind })
    }
  }

  /** They have left. @param {import('../index.js').Participant} participant */
  remove({ id }) {
    this.#muted.delete(id)
    const known = this.participants.find(each => each.id === id && each.left === null)
    if (!known) return
    known.left = this.#now()
    this.#changed()
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
}

/** By themselves or by a moderator. @param {import('../index.js').Participant} participant */
function mutedOf({ muted, moderated }) {
  return { audio: muted.audio || moderated.audio, video: muted.video || moderated.video }
}

exports.Journal = Journal
