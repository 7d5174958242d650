'use strict'

const { RoomError } = require('./room-error.js')

/** What is told of a participant goes to everyone in the room, so all of it is bounded. */
const MAX_IDENTITY = 128
const MAX_METADATA = 4096
const MAX_ATTRIBUTES = 32
const MAX_ATTRIBUTE_NAME = 64
const MAX_ATTRIBUTE = 512

/** What a ban holds by: as many for one participant, each as long as an identity may be. */
const MAX_BAN_KEYS = 8

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
/** Of the invisible those that Persian and the scripts of India are written with, and emoji of several parts (Unicode 23.2). */
const JOINERS = /[\u200c\u200d]/gu

/**
 * @param {unknown} name
 * @param {number} maxLength
 * @returns {string}
 */
function checkParticipantName(name, maxLength) {
  const trimmed = typeof name === 'string' ? name.trim().normalize('NFC') : ''
  const seen = trimmed.replace(JOINERS, '')
  if (seen === '' || trimmed.length > maxLength || INVISIBLE.test(seen)) {
    throw invalid('name', `a participant's name has 1 to ${maxLength} printable characters`)
  }
  return trimmed
}

/**
 * @param {unknown} identity
 * @param {string} [field]
 * @returns {string | null} null without one
 */
function checkIdentity(identity, field = 'identity') {
  if (identity === undefined || identity === null) return null
  const text = typeof identity === 'string' && identity !== '' && identity.length <= MAX_IDENTITY
  // As a part of a path `.` and `..` are folded away, however they are written (WHATWG URL 4.1).
  if (!text || INVISIBLE.test(identity) || /^\.{1,2}$/.test(identity)) {
    throw invalid(field, `an identity has 1 to ${MAX_IDENTITY} printable characters, and is not . or ..`)
  }
  return identity
}

/**
 * What a ban of somebody holds by: whose they are, or else what the application says.
 *
 * @param {{ identity?: unknown, owner?: unknown, banBy?: unknown }} options
 * @returns {{ owner: string | null, banBy: readonly string[] }}
 */
function checkBanKeys({ identity, owner, banBy = [] }) {
  if (!Array.isArray(banBy) || banBy.length > MAX_BAN_KEYS) throw invalid('banBy', `banBy is an array of at most ${MAX_BAN_KEYS} strings`)
  const keys = banBy.map(key => checkIdentity(key ?? '', 'banBy') ?? '')
  return { owner: checkIdentity(owner ?? identity, 'owner'), banBy: Object.freeze(keys) }
}

/** @param {unknown} metadata */
function checkMetadata(metadata = '') {
  if (typeof metadata === 'string' && metadata.length <= MAX_METADATA) return metadata
  throw invalid('metadata', `metadata is a string of at most ${MAX_METADATA} characters`)
}

/**
 * @param {unknown} attributes
 * @returns {Readonly<Record<string, string>>}
 */
function checkAttributes(attributes = {}) {
  const rule =
    `attributes are at most ${MAX_ATTRIBUTES} strings of at most ${MAX_ATTRIBUTE} characters, ` + `by names of 1 to ${MAX_ATTRIBUTE_NAME}`
  if (typeof attributes !== 'object' || attributes === null) throw invalid('attributes', rule)
  const entries = Object.entries(attributes)
  const fits = (/** @type {[string, unknown]} */ [name, value]) =>
    name !== '' && name.length <= MAX_ATTRIBUTE_NAME && typeof value === 'string' && value.length <= MAX_ATTRIBUTE
  if (entries.length > MAX_ATTRIBUTES || !entries.every(fits)) throw invalid('attributes', rule)
  return Object.freeze(Object.fromEntries(entries))
}

/**
 * @param {string} field
 * @param {string} rule
 */
function invalid(field, rule) {
  return new RoomError('ERR_INVALID_ARG', rule, { field })
}

exports.checkAttributes = checkAttributes
exports.checkBanKeys = checkBanKeys
exports.checkIdentity = checkIdentity
exports.checkMetadata = checkMetadata
exports.checkParticipantName = checkParticipantName
