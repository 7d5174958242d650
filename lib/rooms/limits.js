'use strict'

const { RoomError } = require('./room-error.js')

/** Bits per second: more than any peer sends. */
const MAX_BITRATE = 1e12

/** @type {Required<import('./index.js').RoomLimits>} */
const DEFAULT_LIMITS = Object.freeze({
  maxRooms: 1000,
  maxParticipants: 100,
  maxAudience: 10_000,
  maxTracks: 16,
  maxWaiting: 100,
  maxNameLength: 64,
  maxIncomingBitrate: null
})

const COUNTS = /** @type {const} */ (['maxRooms', 'maxParticipants', 'maxAudience', 'maxTracks', 'maxWaiting', 'maxNameLength'])

/**
 * @param {import('./index.js').RoomLimits} given
 * @returns {Required<import('./index.js').RoomLimits>}
 */
function checkLimits(given) {
  const limits = { ...DEFAULT_LIMITS }
  if (given.maxIncomingBitrate !== undefined) {
    limits.maxIncomingBitrate = checkBitrate(given.maxIncomingBitrate, 'options.maxIncomingBitrate')
  }
  for (const field of COUNTS) {
    const value = given[field]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1) {
      throw new RoomError('ERR_INVALID_ARG', `options.${field} must be a whole number from 1 on`, { field: `options.${field}` })
    }
    limits[field] = value
  }
  return Object.freeze(limits)
}

/**
 * @param {unknown} value bits per second, null without a limit
 * @param {string} [field]
 * @returns {number | null}
 */
function checkBitrate(value, field = 'maxIncomingBitrate') {
  if (value === null) return null
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_BITRATE) return value
  throw new RoomError('ERR_INVALID_ARG', `${field} must be bits per second, or null`, { field })
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
      { field: 'room' }
    )
  }
  // Two spellings of one name must be one room.
  return name.normalize('NFC')
}

exports.checkBitrate = checkBitrate
exports.checkLimits = checkLimits
exports.checkRoomName = checkRoomName
