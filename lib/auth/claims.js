'use strict'

const { AuthError } = require('./auth-error.js')

/** Grants that are yes or no. */
const SWITCHES = /** @type {const} */ ([
  'roomJoin',
  'roomCreate',
  'roomList',
  'roomAdmin',
  'roomRecord',
  'canPublish',
  'canSubscribe',
  'canPublishData',
  'hidden'
])
/** What LiveKit calls the sources of tracks, and what rooms call them. */
const SOURCES = new Map(
  /** @type {[string, 'camera' | 'microphone' | 'screen'][]} */ ([
    ['camera', 'camera'],
    ['microphone', 'microphone'],
    ['screen', 'screen'],
    ['screen_share', 'screen'],
    ['screen_share_audio', 'screen']
  ])
)

/** The room name that stands for all of them; no room can be called so. */
const EVERY_ROOM = '*'

/**
 * The claims of a token whose signature was right: its signer may still have got them wrong.
 *
 * @param {Record<string, unknown>} payload
 * @returns {Omit<import('./index.js').TokenClaims, 'keyId'>}
 */
function readClaims(payload) {
  const { sub, jti, name, metadata, attributes, video, exp } = payload
  if (typeof exp !== 'number') throw wrongClaim('exp', 'a token needs exp, the time at which it expires')
  return {
    identity: text('sub', sub) ?? null,
    name: text('name', name) ?? null,
    metadata: text('metadata', metadata) ?? null,
    attributes: readAttributes(attributes),
    tokenId: text('jti', jti) ?? null,
    video: readGrants(video),
    expiresAt: exp * 1000
  }
}

/** @param {unknown} video @returns {import('./index.js').TokenClaims['video']} */
function readGrants(video) {
  if (!isObject(video)) throw wrongClaim('video', 'a token needs video, what it allows')
  /** @type {import('./index.js').TokenClaims['video']} */
  const grants = {}
  const room = text('video.room', video.room)
  if (room !== undefined) grants.room = room.normalize('NFC')
  for (const name of SWITCHES) {
    const value = video[name]
    if (value === undefined) continue
    if (typeof value !== 'boolean') throw wrongClaim(`video.${name}`, `video.${name} must be true or false`)
    grants[name] = value
  }
  const sources = video.canPublishSources
  if (sources !== undefined && sources !== null) {
    if (!Array.isArray(sources)) throw wrongClaim('video.canPublishSources', 'video.canPublishSources must be a list')
    // A source that rooms do not know is one that nobody here can publish.
    grants.canPublishSources = [...new Set(sources.flatMap(source => SOURCES.get(source) ?? []))]
  }
  return grants
}

/** @param {unknown} attributes @returns {Record<string, string>} */
function readAttributes(attributes) {
  if (attributes === undefined || attributes === null) return {}
  if (!isObject(attributes) || Object.values(attributes).some(value => typeof value !== 'string')) {
    throw wrongClaim('attributes', 'attributes must be an object of strings')
  }
  return /** @type {Record<string, string>} */ (attributes)
}

/**
 * @param {string} claim
 * @param {unknown} value
 */
function text(claim, value) {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw wrongClaim(claim, `${claim} must be a string`)
  return value
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * @param {string} claim
 * @param {string} message
 */
function wrongClaim(claim, message) {
  return new AuthError('ERR_TOKEN_CLAIMS', message, { claim })
}

/**
 * Whether the grants are for the room. One that names no room is for none.
 *
 * @param {import('./index.js').VideoGrants} grants
 * @param {string} room
 */
function coversRoom(grants, room) {
  return grants.room === EVERY_ROOM || (grants.room !== undefined && grants.room === room.normalize('NFC'))
}

/**
 * What a participant may do, in the words of rooms. As with LiveKit, what is not said is allowed,
 * but for administration and recording.
 *
 * @param {import('./index.js').TokenClaims['video']} grants
 * @returns {import('./index.js').TokenPermissions}
 */
function permissionsOf({
  canPublish = true,
  canPublishSources,
  canSubscribe = true,
  canPublishData = true,
  roomAdmin = false,
  roomRecord = false,
  hidden = false
}) {
  return { canPublish, canPublishSources: canPublishSources ?? null, canSubscribe, canPublishData, roomAdmin, roomRecord, hidden }
}

exports.EVERY_ROOM = EVERY_ROOM
exports.coversRoom = coversRoom
exports.permissionsOf = permissionsOf
exports.readClaims = readClaims
exports.readGrants = readGrants
