'use strict'

const { RoomError } = require('./room-error.js')

const SOURCES = ['camera', 'microphone', 'screen']

/** @type {import('./index.js').Permissions} */
const EVERYONE = Object.freeze({
  canPublish: true,
  canPublishSources: null,
  canSubscribe: true,
  canPublishData: true,
  roomAdmin: false,
  roomRecord: false,
  hidden: false
})

/**
 * Permissions with what is not said as it was. A name that is not known is refused: a grant that was
 * spelled wrong must not pass for the default.
 *
 * @param {unknown} given
 * @param {import('./index.js').Permissions} [before]
 * @returns {import('./index.js').Permissions}
 */
function checkPermissions(given = {}, before = EVERYONE) {
  if (typeof given !== 'object' || given === null) throw invalid('permissions', 'an object')
  /** @type {Record<string, unknown>} */
  const checked = { ...before }
  for (const [name, value] of Object.entries(given)) {
    const field = `permissions.${name}`
    if (!Object.hasOwn(EVERYONE, name)) throw invalid(field, `one of ${Object.keys(EVERYONE).join(', ')}`)
    if (value === undefined) continue
    if (name === 'canPublishSources') checked[name] = checkSources(value, field)
    else if (typeof value === 'boolean') checked[name] = value
    else throw invalid(field, 'true or false')
  }
  return Object.freeze(/** @type {import('./index.js').Permissions} */ (/** @type {unknown} */ (checked)))
}

/**
 * @param {unknown} value
 * @param {string} field
 */
function checkSources(value, field) {
  if (value === null) return null
  if (!Array.isArray(value) || value.length > SOURCES.length || !value.every(each => SOURCES.includes(each))) {
    throw invalid(field, `null, or an array of ${SOURCES.join(', ')}`)
  }
  return Object.freeze([...new Set(value)])
}

/**
 * @param {string} field
 * @param {string} expected
 */
function invalid(field, expected) {
  return new RoomError('ERR_INVALID_ARG', `${field} must be ${expected}`, { field })
}

/**
 * Whether a track may be for the others, by what it shows. Which of a participant's streams are
 * screens is what their client says; the kind of a track is what the engine sees.
 *
 * @param {import('./index.js').Permissions} permissions
 * @param {import('../../index.js').Kind} kind
 * @param {boolean} screen
 */
function mayPublish({ canPublish, canPublishSources }, kind, screen) {
  if (!canPublish) return false
  if (canPublishSources === null) return true
  const source = screen ? 'screen' : kind === 'audio' ? 'microphone' : 'camera'
  return canPublishSources.includes(source)
}

/** What a moderator mutes, by what it is that is sent. */
const MODERATED = /** @type {const} */ ({ camera: 'video', microphone: 'audio', screen: 'screen' })

/**
 * Whether something may be for the others, by permissions and moderation.
 *
 * @param {import('./index.js').Permissions} permissions
 * @param {import('./index.js').Moderated} moderated
 * @param {import('./index.js').PublishedSource} source
 */
function maySendSource({ canPublish, canPublishSources }, moderated, source) {
  if (!SOURCES.includes(source)) throw invalid('source', `one of ${SOURCES.join(', ')}`)
  return canPublish && (canPublishSources?.includes(source) ?? true) && !moderated[MODERATED[source]]
}

exports.checkPermissions = checkPermissions
exports.mayPublish = mayPublish
exports.maySendSource = maySendSource
