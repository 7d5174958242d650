'use strict'

const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { fetchOptions, inputOptions, listenAddress, maxInputs } = require('./input-options.js')
const { outputReconnect, outputSources } = require('./output-options.js')

const DEFAULT_PORT = 9000
const DEFAULT_LATENCY = 120
const MAX_LATENCY = 8000
/** Bytes, as SRT has them. */
const MAX_STREAM_ID = 512
const PASSPHRASE = { least: 10, most: 79 }

function srtServerOptions(given) {
  const options = check.options(given, 'options', [
    'port',
    'ip',
    'passphrase',
    'latency',
    'authorize',
    'maxInputs',
    'silence',
    'bFrames',
    'appData'
  ])
  return {
    address: listenAddress(options, DEFAULT_PORT),
    passphrase: passphrase(options.passphrase, 'options.passphrase'),
    latency: latency(options.latency),
    maxInputs: maxInputs(options),
    ...inputOptions(options)
  }
}

function latency(value) {
  return check.optional(check.integer, value, DEFAULT_LATENCY, 'options.latency', 20, MAX_LATENCY)
}

/** A secret: an error does not repeat it. */
function passphrase(value, field) {
  if (value === undefined || value === null) return null
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0
  if (bytes < PASSPHRASE.least || bytes > PASSPHRASE.most) {
    throw check.invalid(field, `a string of ${PASSPHRASE.least} to ${PASSPHRASE.most} bytes`, typeof value)
  }
  return value
}

const PULL = ['streamId', 'passphrase', 'keyLength', 'latency', 'silence', 'bFrames', 'reconnect', 'allowPrivate', 'allow', 'appData']

/** Where to fetch from, without the address of the host. */
function srtPullOptions(url, given) {
  const host = target(url)
  const options = check.options(given ?? {}, 'options', PULL)
  return { host, where: { ...calling(options), ...inputOptions(options), ...fetchOptions(options) } }
}

/** What every caller says. */
function calling(options) {
  return {
    streamId: streamId(options.streamId),
    passphrase: passphrase(options.passphrase, 'options.passphrase'),
    keyLength: check.optional(check.oneOf, options.keyLength, 16, 'options.keyLength', [16, 32]),
    latency: latency(options.latency)
  }
}

const CARRIER = { name: 'MPEG-TS', audio: ['opus'], video: ['h264', 'h265'] }
/** Packets that are sent with one key (SRTO_KMREFRESHRATE), and the bounds of it. */
const KEY_REFRESH = { usual: 2 ** 25, least: 16, most: 2 ** 30 - 1 }

/** Where to, without the address of the host, and which tracks. */
function srtOutputOptions(url, given, endpoint) {
  const host = target(url)
  const options = check.options(given, 'options', [
    'audio',
    'video',
    'mode',
    'streamId',
    'passphrase',
    'keyLength',
    'latency',
    'maxWatchers',
    'reconnect',
    'keyRefresh',
    'appData'
  ])
  const sources = outputSources(options, endpoint, CARRIER)
  const listen = check.optional(check.oneOf, options.mode, 'caller', 'options.mode', ['caller', 'listener']) === 'listener'
  const reconnect = outputReconnect(options)
  if (listen && reconnect > 0) throw check.invalid('options.reconnect', 'an output that calls', reconnect)
  const { usual, least, most } = KEY_REFRESH
  const where = {
    listen,
    ...calling(options),
    maxWatchers: check.optional(check.integer, options.maxWatchers, 64, 'options.maxWatchers', 1, 1024),
    reconnect,
    keyRefresh: check.optional(check.integer, options.keyRefresh, usual, 'options.keyRefresh', least, most)
  }
  return { host, where, sources }
}

function target(url) {
  check.nonEmptyString(url, 'url')
  const parsed = URL.canParse(url) ? new URL(url) : null
  // It may have secrets: the error does not repeat it.
  if (parsed?.protocol !== 'srt:' || !parsed.hostname || !parsed.port || parsed.search || parsed.username) {
    throw new MediaLoomError('ERR_INVALID_ARG', 'url: expected srt://HOST:PORT; what else there is goes into options', { field: 'url' })
  }
  return { name: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port) }
}

function streamId(value) {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_STREAM_ID || value.includes('\0')) {
    throw check.invalid('options.streamId', `a string of at most ${MAX_STREAM_ID} bytes`, typeof value)
  }
  return value
}

module.exports = { srtOutputOptions, srtPullOptions, srtServerOptions }
