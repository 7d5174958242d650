'use strict'

const check = require('../object/check.js')

/** Largest width and height a codec can have in 16 bits. */
const MAX_SIZE = 65535
/** Bit/s; more than any link of a viewer. */
const MAX_BITRATE = 1e12

/** What an application wants of a track, checked, with what was not said filled in. */
function preferences(value) {
  if (value === undefined) throw check.invalid('preferences', 'an object', value)
  const known = ['maxWidth', 'maxHeight', 'maxFrameRate', 'maxBitrate', 'priority', 'pauseAllowed']
  const given = check.options(value, 'preferences', known)
  const optional = (checkIt, name, ...rest) => check.optional(checkIt, given[name], undefined, `preferences.${name}`, ...rest)
  return {
    maxWidth: optional(check.integer, 'maxWidth', 1, MAX_SIZE),
    maxHeight: optional(check.integer, 'maxHeight', 1, MAX_SIZE),
    maxFrameRate: optional(check.positive, 'maxFrameRate'),
    maxBitrate: optional(check.integer, 'maxBitrate', 1, MAX_BITRATE),
    priority: optional(check.integer, 'priority', 1, 100) ?? 1,
    pauseAllowed: optional(check.boolean, 'pauseAllowed') ?? true
  }
}

module.exports = { MAX_BITRATE, preferences }
