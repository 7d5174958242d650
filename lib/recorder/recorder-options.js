'use strict'

const path = require('node:path')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')

/** By what a file is called. */
const FORMATS = { '.webm': 'webm', '.mkv': 'mkv', '.mka': 'mkv' }
/** What each holds; `null`: every codec. */
const CODECS = { webm: ['opus', 'vp8', 'vp9', 'av1'], mkv: null }
const READ_AND_WRITE_BY_OWNER = 0o600
/** Milliseconds: a year. */
const MAX_DURATION = 366 * 24 * 3600 * 1000
const MAX_NAME = 200
const MAX_MARK = 1000

function recorderOptions(file, given) {
  check.nonEmptyString(file, 'file')
  const options = check.options(given, 'options', ['format', 'mode', 'maxSize', 'maxDuration', 'minFree', 'appData'])
  const format = check.optional(check.oneOf, options.format, FORMATS[path.extname(file).toLowerCase()], 'options.format', Object.keys(CODECS))
  if (!format) throw check.invalid('file', 'a name that ends in .webm or .mkv, or options.format', file)
  return {
    file: path.resolve(file),
    format,
    mode: check.optional(check.integer, options.mode, READ_AND_WRITE_BY_OWNER, 'options.mode', 0, 0o777),
    maxSize: check.optional(check.integer, options.maxSize, null, 'options.maxSize', 1, Number.MAX_SAFE_INTEGER),
    maxDuration: check.optional(check.integer, options.maxDuration, null, 'options.maxDuration', 1, MAX_DURATION),
    minFree: check.optional(check.integer, options.minFree, 0, 'options.minFree', 0, Number.MAX_SAFE_INTEGER)
  }
}

function lineOptions(given) {
  const options = check.options(given, 'options', ['name', 'language', 'encoding', 'appData'])
  const name = check.optional(check.string, options.name, '', 'options.name')
  if (name.length > MAX_NAME) throw check.invalid('options.name', `at most ${MAX_NAME} characters`, name)
  const language = check.optional(check.string, options.language, 'und', 'options.language')
  if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$/.test(language)) {
    throw check.invalid('options.language', 'a language tag such as en or pt-BR', language)
  }
  const encoding = check.optional(check.oneOf, options.encoding, 'best', 'options.encoding', ['best', 'smallest'])
  return { name, language, smallest: encoding === 'smallest' }
}

function markName(name) {
  check.nonEmptyString(name, 'name')
  if (name.length > MAX_MARK) throw check.invalid('name', `at most ${MAX_MARK} characters`, name)
  return name
}

/** A track of which nothing could be written is refused before it is tried. */
function writable(track, format) {
  const codecs = CODECS[format]
  if (codecs && !track.codecs.some(codec => codecs.includes(codec))) {
    throw new MediaLoomError(
      'ERR_CODEC_MISMATCH',
      `${format} files hold ${codecs.join(', ')}, and the track is ${track.codecs.join(', ')}: take format 'mkv'`,
      { field: 'track' }
    )
  }
}

module.exports = { lineOptions, markName, recorderOptions, writable }
