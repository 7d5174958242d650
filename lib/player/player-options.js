'use strict'

const path = require('node:path')
const check = require('../object/check.js')

/** Files of one player. */
const MAX_FILES = 10_000
/** Seconds: a year. */
const MAX_POSITION = 366 * 24 * 3600

function file(given, field) {
  if (given instanceof Uint8Array) {
    if (given.length === 0) throw check.invalid(field, 'a path, or the bytes of a file', given)
    return given
  }
  return path.resolve(check.nonEmptyString(given, field))
}

/** One file or several, each by its path or as it is. */
function files(given) {
  const list = Array.isArray(given) ? given : [given]
  if (list.length === 0) throw check.invalid('file', 'at least one file', given)
  if (list.length > MAX_FILES) throw check.invalid('file', `at most ${MAX_FILES} files`, given)
  return list.map((one, index) => file(one, Array.isArray(given) ? `file[${index}]` : 'file'))
}

function seconds(value, field) {
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_POSITION)) {
    throw check.invalid(field, `seconds, 0 to ${MAX_POSITION}`, value)
  }
  return value
}

function playerOptions(given) {
  const options = check.options(given, 'options', ['loop', 'audio', 'video', 'bFrames', 'appData', 'from'])
  const audio = check.optional(check.boolean, options.audio, true, 'options.audio')
  const video = check.optional(check.boolean, options.video, true, 'options.video')
  if (!audio && !video) throw check.invalid('options.video', 'true where options.audio is false', video)
  return {
    loop: check.optional(check.boolean, options.loop, false, 'options.loop'),
    // Milliseconds in there.
    from: check.optional(seconds, options.from, 0, 'options.from') * 1000,
    audio,
    video,
    mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix'
  }
}

module.exports = { files, playerOptions, seconds }
