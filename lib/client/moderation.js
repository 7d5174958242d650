/**
 * What those may do who decide about a room: each call is a request to the server, which says by the
 * room's event `error` when it does not do it.
 */
export class Moderation {
  #send

  /** @param {(message: object) => void} send */
  constructor(send) {
    this.#send = send
  }

  /** For everyone, and for those who come later. @param {string} participant @param {'audio' | 'video' | 'screen'} [kind] */
  mute(participant, kind = 'audio') {
    this.#moderate('mute', { participant, kind })
  }

  /** Allows it again: they switch it on themselves. @param {string} participant @param {'audio' | 'video' | 'screen'} [kind] */
  unmute(participant, kind = 'audio') {
    this.#moderate('unmute', { participant, kind })
  }

  /** @param {string} participant @param {string} [reason] told to them */
  kick(participant, reason) {
    this.#moderate('kick', { participant, reason })
  }

  /** They cannot come again. @param {string} participant @param {string} [reason] told to them */
  ban(participant, reason) {
    this.#moderate('ban', { participant, reason })
  }

  /** @param {string} participant @param {Partial<import('./index.js').Permissions>} permissions what changes of theirs */
  permit(participant, permissions) {
    this.#moderate('permit', { participant, permissions })
  }

  /** Lets in who waits. @param {string} participant */
  admit(participant) {
    this.#moderate('admit', { participant })
  }

  /** @param {string} participant one who waits @param {string} [reason] told to them */
  reject(participant, reason) {
    this.#moderate('reject', { participant, reason })
  }

  /** Whether anybody new is let in at all. @param {boolean} locked */
  setLocked(locked) {
    this.#moderate(locked ? 'lock' : 'unlock', {})
  }

  /** Whether those who come wait until somebody lets them in. @param {boolean} on */
  setLobby(on) {
    this.#moderate('lobby', { on })
  }

  /** @param {string} action @param {object} details */
  #moderate(action, details) {
    this.#send({ type: 'moderate', action, ...details })
  }
}
