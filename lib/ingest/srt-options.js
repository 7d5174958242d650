'use strict'

const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { inOrder, isSourceTrack } = require('../track/taking.js')

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
  const ip = check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip')
  const port = check.optional(check.integer, options.port, DEFAULT_PORT, 'options.port', 0, 65_535)
  if (typeof options.authorize !== 'function') {
    throw check.invalid('options.authorize', 'a function that says who may publish', options.authorize)
  }
  return {
    address: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
    passphrase: passphrase(options.passphrase, 'options.passphrase'),
    latency: latency(options.latency),
    silence: silence(options),
    maxInputs: check.optional(check.integer, options.maxInputs, 1000, 'options.maxInputs', 1, 4096),
    mixBFrames: bFrames(options) === 'mix'
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

/** Where to fetch from, without the address of the host. */
function srtPullOptions(url, given) {
  const host = target(url)
  const options = check.options(given ?? {}, 'options', ['streamId', 'passphrase', 'keyLength', 'latency', 'silence', 'bFrames', 'appData'])
  return { host, where: { ...calling(options), silence: silence(options), mixBFrames: bFrames(options) === 'mix' } }
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

function silence(options) {
  return check.optional(check.integer, options.silence, 5000, 'options.silence', 100, 3_600_000)
}

function bFrames(options) {
  return check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix'])
}

/** What each kind is sent in. */
const SENT = { audio: ['opus'], video: ['h264', 'h265'] }

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
    'appData'
  ])
  const sources = { audio: source(options, 'audio', endpoint), video: source(options, 'video', endpoint) }
  if (!sources.audio && !sources.video) throw check.invalid('options', 'a track of audio or video', given)
  const where = {
    listen: check.optional(check.oneOf, options.mode, 'caller', 'options.mode', ['caller', 'listener']) === 'listener',
    ...calling(options),
    maxWatchers: check.optional(check.integer, options.maxWatchers, 64, 'options.maxWatchers', 1, 1024)
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

function source(options, kind, endpoint) {
  const track = options[kind]
  if (track === undefined || track === null) return null
  const field = `options.${kind}`
  if (!isSourceTrack(track) || track.kind !== kind) throw check.invalid(field, `a track of ${kind}`, track)
  check.open(track)
  if (track.endpoint !== endpoint) throw check.invalid(field, 'a track of the same endpoint', track)
  inOrder(track)
  if (!track.codecs.some(codec => SENT[kind].includes(codec))) {
    const made = kind === 'video' ? "; a mixer makes H264 with video: { codecs: ['h264'] }" : ''
    const takes = `MPEG-TS takes ${SENT[kind].join(' and ')}, and the track is ${track.codecs.join(', ')}${made}`
    throw new MediaLoomError('ERR_CODEC_MISMATCH', takes, { field })
  }
  return track
}

module.exports = { srtOutputOptions, srtPullOptions, srtServerOptions }
