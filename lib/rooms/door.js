'use strict'

const { RoomError } = require('./room-error.js')

/** Identities that a room keeps out, and those it remembers to have muted. The oldest is forgotten. */
const MAX_BANNED = 10_000
const MAX_REMEMBERED = 1000

/** Who may come into a room: whether it is locked, who is banned, who waits in the lobby. */
class Door {
  locked = false
  lobby = false
  /** @type {Set<string>} */
  #banned = new Set()
  /** In the order in which they came. @type {Map<string, import('./guest.js').Guest>} */
  #guests = new Map()
  /** What a moderator muted of those who left, by identity. @type {Map<string, import('./index.js').Moderated>} */
  #moderated = new Map()
  #maxWaiting

  /** @param {number} maxWaiting */
  constructor(maxWaiting) {
    this.#maxWaiting = maxWaiting
  }

  /** In the order in which they came. */
  get guests() {
    return [...this.#guests.values()]
  }

  get banned() {
    return [...this.#banned]
  }

  /** @param {string} id */
  guest(id) {
    return this.#guests.get(id)
  }

  /**
   * Refuses who may not come in now.
   * @param {string | null} identity
   * @param {import('./index.js').Permissions} permissions
   */
  check(identity, permissions) {
    this.checkBan(identity)
    // Whoever may open it may come in, or nobody could any more.
    if (permissions.roomAdmin) return
    if (this.locked) throw new RoomError('ERR_LOCKED', 'the room is locked')
    if (this.lobby) throw new RoomError('ERR_LOBBY', 'the room has a lobby: somebody has to let you in')
  }

  /** @param {string | null} identity */
  checkBan(identity) {
    if (identity === null || !this.#banned.has(identity)) return
    throw new RoomError('ERR_BANNED', 'you were banned from this room')
  }

  /** @param {import('./guest.js').Guest} guest */
  addGuest(guest) {
    if (this.#guests.size >= this.#maxWaiting) {
      throw new RoomError('ERR_PARTICIPANT_LIMIT', `the lobby is full: ${this.#maxWaiting} wait in it`)
    }
    this.#guests.set(guest.id, guest)
  }

  /** @param {import('./guest.js').Guest} guest */
  removeGuest(guest) {
    return this.#guests.delete(guest.id)
  }

  /** @param {string} identity */
  ban(identity) {
    this.#banned.delete(identity)
    this.#banned.add(identity)
    forgetOldest(this.#banned, MAX_BANNED)
  }

  /** @param {string} identity */
  unban(identity) {
    return this.#banned.delete(identity)
  }

  /**
   * Whoever was muted and comes back is muted still.
   * @param {string} identity
   * @param {import('./index.js').Moderated} moderated
   */
  remember(identity, moderated) {
    this.#moderated.delete(identity)
    if (moderated.audio || moderated.video || moderated.screen) this.#moderated.set(identity, moderated)
    forgetOldest(this.#moderated, MAX_REMEMBERED)
  }

  /** @param {string | null} identity */
  remembered(identity) {
    return identity === null ? undefined : this.#moderated.get(identity)
  }
}

/**
 * @param {Set<string> | Map<string, unknown>} kept in the order in which they came
 * @param {number} most
 */
function forgetOldest(kept, most) {
  if (kept.size <= most) return
  const [oldest] = kept.keys()
  if (oldest !== undefined) kept.delete(oldest)
}

exports.Door = Door
