'use strict'

const { RoomError } = require('./room-error.js')

/** @type {Required<import('./index.js').RoomLimits>} */
const DEFAULT_LIMITS = Object.freeze({
  maxRooms: 1000,
  maxParticipants: 100,
  maxAudience: 10_000,
  maxTracks: 16,
  maxWaiting: 100,
  maxNameLength: 64,
})

/**
 * @param {import('./index.js').RoomLimits} given
 * @returns {Required<import('./index.js').RoomLimits>}
 */
function checkLimits(given) {
  const limits = { ...DEFAULT_LIMITS }
  for (const field of /** @type {(keyof typeof limits)[]} */ (Object.keys(limits))) {
    const value = given[field]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1) {
      throw new RoomError('ERR_INVALID_ARG', `options.${field} must be a whole number from 1 on`, { field: `options.${field}` })
    }
    limits[field] = value
  }
  return Object.freeze(limits)
}

// Room names stand in URLs and in the labels of metrics: letters and digits of any script, and
// the marks RFC 3986 leaves unreserved.
const ROOM_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._~ -]*[\p{L}\p{M}\p{N}._~-])?$/u

/**
 * @param {unknown} name
 * @param {number} maxLength
 * @returns {string}
 */
function checkRoomName(name, maxLength) {
  if (typeof name !== 'string' || name.length > maxLength || !ROOM_NAME.test(name)) {
    throw new RoomError(
      'ERR_INVALID_ARG',
      `a room name has 1 to ${maxLength} letters, digits, spaces or the marks . _ ~ - and starts with a letter or digit`,
      { field: 'room' },
    )
  }
  // Two spellings of one name must be one room.
  return name.normalize('NFC')
}

exports.checkLimits = checkLimits
exports.checkRoomName = checkRoomName
