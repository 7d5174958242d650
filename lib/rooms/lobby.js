'use strict'

const { Guest } = require('./guest.js')
const { RoomError } = require('./room-error.js')

/** Who waits to be let into a room. */
class Lobby {
  /** In the order in which they came. @type {Map<string, Guest>} */
  #guests = new Map()
  #room
  #maxWaiting
  #enter

  /**
   * @param {import('./room.js').Room} room
   * @param {number} maxWaiting
   * @param {(options: import('./index.js').JoinOptions) => import('./participant.js').Participant} enter puts
   *   somebody into the room
   */
  constructor(room, maxWaiting, enter) {
    this.#room = room
    this.#maxWaiting = maxWaiting
    this.#enter = enter
  }

  /** In the order in which they came. */
  get guests() {
    return [...this.#guests.values()]
  }

  /**
   * @param {{ name: string, identity: string | null, owner: string | null }} who
   * @param {import('./index.js').JoinOptions} options
   */
  knock({ name, identity, owner }, options) {
    if (identity !== null) this.dismiss(guest => guest.identity === identity, 'replaced')
    if (this.#guests.size >= this.#maxWaiting) {
      throw new RoomError('ERR_PARTICIPANT_LIMIT', `the lobby is full: ${this.#maxWaiting} wait in it`)
    }
    const guest = new Guest(this.#room, { name, identity, owner }, options)
    this.#guests.set(guest.id, guest)
    this.#tell()
    return guest
  }

  /** @param {import('./index.js').Guest | string} who */
  admit(who) {
    const guest = this.#find(who)
    this.#guests.delete(guest.id)
    this.#tell()
    try {
      const participant = this.#enter(guest.options)
      guest.admitted(participant)
      return participant
    } catch (error) {
      guest.rejected('failed', /** @type {Error} */ (error).message)
      throw error
    }
  }

  admitAll() {
    for (const guest of this.guests) {
      try {
        if (guest.waiting) this.admit(guest)
      } catch {
        // They were told, by `rejected`.
      }
    }
  }

  /**
   * @param {import('./index.js').Guest | string} who
   * @param {string} [text]
   */
  reject(who, text) {
    const guest = this.#find(who)
    this.dismiss(each => each === guest, 'rejected', text)
    this.#tell()
  }

  /** They gave up. @param {Guest} guest */
  forget(guest) {
    if (!this.#guests.delete(guest.id)) return
    guest.left()
    this.#tell()
  }

  /**
   * @param {(guest: Guest) => boolean} whom
   * @param {string} code
   * @param {string} [text]
   */
  dismiss(whom, code, text) {
    for (const guest of this.guests.filter(whom)) {
      this.#guests.delete(guest.id)
      guest.rejected(code, text ?? null)
    }
  }

  /**
   * @param {import('./index.js').Guest | string} who
   * @returns {Guest}
   */
  #find(who) {
    const guest = this.#guests.get(typeof who === 'string' ? who : who.id)
    if (guest) return guest
    throw new RoomError('ERR_INVALID_ARG', 'nobody of that id waits in the lobby', { field: 'guest' })
  }

  #tell() {
    this.#room.emit('waiting', this.guests)
  }
}

exports.Lobby = Lobby
