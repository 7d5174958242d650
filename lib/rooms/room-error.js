'use strict'

/**
 * Why a room refused something. `code` is for programs, `message` is fit to be shown to the
 * person who asked.
 */
class RoomError extends Error {
  /**
   * @param {import('./index.js').RoomErrorCode} code
   * @param {string} message
   * @param {{ field?: string }} [details]
   */
  constructor(code, message, details = {}) {
    super(message)
    /** @type {'RoomError'} */
    this.name = 'RoomError'
    this.code = code
    /** @type {string | undefined} */
    this.field = details.field
  }
}

exports.RoomError = RoomError
