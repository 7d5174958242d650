'use strict'

const { RoomError } = require('./room-error.js')

/** Identities that a room keeps out, and those it remembers to have muted. The oldest is forgotten. */
const MAX_BANNED = 10_000
const MAX_REMEMBERED = 1000

/** Who may come into a room: whether it is locked or has a lobby, and who is banned. */
class Door {
  locked = false
  lobby = false
  /** @type {Set<string>} */
  #banned = new Set()
  /** What a moderator muted of those who left, by identity. @type {Map<string, import('./index.js').Moderated>} */
  #moderated = new Map()

  get banned() {
    return [...this.#banned]
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
