'use strict'

const { EventEmitter } = require('node:events')
const { randomBytes } = require('node:crypto')

/**
 * Somebody who waits in a room's lobby until they are let in, turned away or tired of it.
 *
 * @extends {EventEmitter<import('./index.js').GuestEvents>}
 */
class Guest extends EventEmitter {
  #waiting = true

  /**
   * @param {import('./room.js').Room} room
   * @param {{ name: string, identity: string | null, owner: string | null }} who
   * @param {import('./index.js').JoinOptions} options what they will join with
   */
  constructor(room, { name, identity, owner }, options) {
    super()
    this.id = randomBytes(9).toString('base64url')
    this.room = room
    this.name = name
    this.identity = identity
    this.owner = owner
    this.options = options
    this.since = Date.now()
  }

  get waiting() {
    return this.#waiting
  }

  leave() {
    if (this.#waiting) this.room.forgetGuest(this)
  }

  /** Called by the room. @param {import('./participant.js').Participant} participant */
  admitted(participant) {
    this.#waiting = false
    this.emit('admitted', participant)
  }

  /** Called by the room. @param {string} code @param {string | null} text */
  rejected(code, text) {
    this.#waiting = false
    this.emit('rejected', code, text)
  }

  /** Called by the room: they gave up. */
  left() {
    this.#waiting = false
  }
}

exports.Guest = Guest
