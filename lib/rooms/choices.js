'use strict'

const { RoomError } = require('./room-error.js')

const MODES = new Set(['sfu', 'mcu', 'p2p', 'broadcast'])
/** Modes in which somebody gets the mix without asking for it. */
const MIXED_MODES = new Set(['mcu', 'broadcast'])
const ROLES = new Set(['member', 'listener', 'publisher', 'viewer', 'agent'])
const RECEIVE = new Set(['streams', 'places', 'nothing'])
const SOURCES = new Set(['mix', 'streams', 'speakers'])
const LAYOUTS = new Set(['grid', 'speaker', 'pip', 'sidebar'])

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Set<string>} allowed
 */
function checkOneOf(value, field, allowed) {
  if (allowed.has(/** @type {string} */ (value))) return
  const names = [...allowed]
  const known = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  throw new RoomError('ERR_INVALID_ARG', `${field} must be ${known}`, { field })
}

exports.LAYOUTS = LAYOUTS
exports.MIXED_MODES = MIXED_MODES
exports.MODES = MODES
exports.RECEIVE = RECEIVE
exports.ROLES = ROLES
exports.SOURCES = SOURCES
exports.checkOneOf = checkOneOf
