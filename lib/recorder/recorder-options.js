'use strict'

const path = require('node:path')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')

/** By what a file is called. */
const FORMATS = {
  '.webm': 'webm',
  '.mkv': 'mkv',
  '.mka': 'mkv',
  '.mp4': 'mp4',
  '.m4a': 'mp4',
  '.ogg': 'ogg',
  '.opus': 'ogg',
  '.wav': 'wav'
}
/** What each holds as it comes. */
const CODECS = {
  webm: ['opus', 'vp8', 'vp9', 'av1'],
  mkv: ['opus', 'pcmu', 'pcma', 'g722', 'vp8', 'vp9', 'av1', 'h264', 'h265'],
  mp4: ['opus', 'vp9', 'av1', 'h264', 'h265'],
  ogg: ['opus'],
  wav: []
}
/** What becomes Opus, or samples in WAV, where there is mixing. */
const TELEPHONE = ['pcmu', 'pcma', 'g722']
/** Milliseconds. */
const USUAL_FRAGMENT = 500
const MIN_FRAGMENT = 100
const MAX_FRAGMENT = 10_000
const READ_AND_WRITE_BY_OWNER = 0o600
/** Milliseconds: a year. */
const MAX_DURATION = 366 * 24 * 3600 * 1000
const MAX_NAME = 200
const MAX_MARK = 1000

function recorderOptions(file, given) {
  check.nonEmptyString(file, 'file')
  const options = check.options(given, 'options', [
    'format',
    'onFormatChange',
    'fragment',
    'mode',
    'maxSize',
    'maxDuration',
    'minFree',
    'appData'
  ])
  const format = check.optional(
    check.oneOf,
    options.format,
    FORMATS[path.extname(file).toLowerCase()],
    'options.format',
    Object.keys(CODECS)
  )
  if (!format) throw check.invalid('file', 'a name that ends in .webm, .mkv, .mp4, .ogg or .wav, or options.format', file)
  return {
    file: path.resolve(file),
    format,
    onFormatChange: check.optional(check.oneOf, options.onFormatChange, 'inline', 'options.onFormatChange', ['inline', 'split']),
    fragment: check.optional(check.integer, options.fragment, USUAL_FRAGMENT, 'options.fragment', MIN_FRAGMENT, MAX_FRAGMENT),
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
  return { name, language, encoding: encodingChoice(check.optional(check.string, options.encoding, 'best', 'options.encoding')) }
}

/** The best, the smallest, or one by its RID (RFC 8851 3.1). */
function encodingChoice(encoding) {
  if (encoding === 'best' || encoding === 'smallest') return encoding
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(encoding)) throw check.invalid('options.encoding', "'best', 'smallest' or a RID", encoding)
  return { rid: encoding }
}

function markName(name) {
  check.nonEmptyString(name, 'name')
  if (name.length > MAX_MARK) throw check.invalid('name', `at most ${MAX_MARK} characters`, name)
  return name
}

/** A track of which nothing could be written is refused before it is tried. `mixing`: sound can be decoded. */
function writable(track, format, mixing) {
  const held = CODECS[format]
  const decoded = format === 'wav' ? ['opus', ...TELEPHONE] : TELEPHONE
  const codecs = mixing ? [...held, ...decoded.filter(codec => !held.includes(codec))] : held
  if (track.codecs.some(codec => codecs.includes(codec))) return
  const needsMixing = !mixing && track.codecs.some(codec => decoded.includes(codec))
  const holds = codecs.length > 0 ? `${format} files hold ${codecs.join(', ')}` : `${format} files hold decoded sound`
  throw new MediaLoomError(
    'ERR_CODEC_MISMATCH',
    `${holds}, and the track is ${track.codecs.join(', ')}: take format 'mkv'${needsMixing ? ', or a build with mixing' : ''}`,
    { field: 'track' }
  )
}

module.exports = { encodingChoice, lineOptions, markName, recorderOptions, writable }
