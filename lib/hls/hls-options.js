'use strict'

const { randomBytes } = require('node:crypto')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { encodingChoice } = require('../recorder/recorder-options.js')

/** What players of HLS take, of what tracks are. */
const CODECS = ['opus', 'h264', 'h265', 'vp9', 'av1']
const MAX_TITLE = 200

/** Times in milliseconds. */
function hlsOptions(given) {
  const options = check.options(given, 'options', ['name', 'part', 'segment', 'window', 'appData'])
  const name = check.optional(check.nonEmptyString, options.name, randomBytes(16).toString('hex'), 'options.name')
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(name)) {
    throw check.invalid('options.name', 'up to 128 letters, digits, - and _', name)
  }
  const part = check.optional(check.integer, options.part, 500, 'options.part', 100, 2000)
  return {
    name,
    part,
    segment: check.optional(check.integer, options.segment, 2000, 'options.segment', 2 * part, 30_000),
    window: check.optional(check.integer, options.window, 6, 'options.window', 3, 1000)
  }
}

function renditionOptions(given) {
  const options = check.options(given, 'options', ['title', 'language', 'encoding', 'appData'])
  const name = check.optional(check.string, options.title, '', 'options.title')
  if (name.length > MAX_TITLE) throw check.invalid('options.title', `at most ${MAX_TITLE} characters`, name)
  const language = check.optional(check.string, options.language, 'und', 'options.language')
  if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$/.test(language)) {
    throw check.invalid('options.language', 'a language tag such as en or pt-BR', language)
  }
  return { name, language, encoding: encodingChoice(check.optional(check.string, options.encoding, 'best', 'options.encoding')) }
}

function listenOptions(given) {
  const options = check.options(given, 'options', ['ip', 'port'])
  return {
    ip: check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip'),
    port: check.optional(check.integer, options.port, 0, 'options.port', 0, 65535)
  }
}

/** A track of which nothing could be made is refused before it is tried. */
function playable(track) {
  if (track.codecs.some(codec => CODECS.includes(codec))) return
  throw new MediaLoomError(
    'ERR_CODEC_MISMATCH',
    `HLS carries ${CODECS.join(', ')}, and the track is ${track.codecs.join(', ')}: mix it into one of those`,
    { field: 'track' }
  )
}

module.exports = { hlsOptions, listenOptions, playable, renditionOptions }
