'use strict'

const { RoomError } = require('./room-error.js')

/** Bans of a room, and identities that it remembers to have muted. The oldest is forgotten. */
const MAX_BANNED = 10_000
const MAX_REMEMBERED = 1000

/**
 * Whom a ban is to hold for.
 * @typedef {{ owner: string | null, banBy: readonly string[] }} Bannable
 */

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
   * @param {Bannable} who
   * @param {import('./index.js').Permissions} permissions
   */
  check(who, permissions) {
    this.checkBan(who, permissions)
    // Whoever may open it may come in, or nobody could any more.
    if (permissions.roomAdmin) return
    if (this.locked) throw new RoomError('ERR_LOCKED', 'the room is locked')
    if (this.lobby) throw new RoomError('ERR_LOBBY', 'the room has a lobby: somebody has to let you in')
  }

  /**
   * @param {Bannable} who
   * @param {import('./index.js').Permissions} permissions
   */
  checkBan(who, { roomAdmin }) {
    // Whoever may take the ban back does not fall under one that was meant for their neighbour.
    if (roomAdmin && who.owner === null) return
    if (this.isBanned(who)) throw new RoomError('ERR_BANNED', 'you were banned from this room')
  }

  /** @param {Bannable} who */
  isBanned(who) {
    return keysOf(who).some(key => this.#banned.has(key))
  }

  /** @param {Bannable} who @returns {boolean} whether there is anything to know them by */
  ban(who) {
    const keys = keysOf(who)
    for (const key of keys) {
      this.#banned.delete(key)
      this.#banned.add(key)
      forgetOldest(this.#banned, MAX_BANNED)
    }
    return keys.length > 0
  }

  /** @param {string} key */
  unban(key) {
    return this.#banned.delete(key)
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
 * Who has an identity is known by it alone: others may come from the same address.
 * @param {Bannable} who
 */
function keysOf({ owner, banBy }) {
  return owner === null ? banBy : [owner]
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
