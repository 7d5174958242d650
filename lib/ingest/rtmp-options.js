'use strict'

const dns = require('node:dns/promises')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { inOrder, isSourceTrack } = require('../track/taking.js')
const { knownRoots, pem } = require('./trust.js')

/** Of each scheme. */
const PORTS = { 'rtmp:': 1935, 'rtmps:': 443 }
const DEFAULT_PORT = PORTS['rtmp:']
const HOUR = 60 * 60 * 1000
/** Seconds. */
const DAY = 24 * 60 * 60

function rtmpServerOptions(given) {
  const options = check.options(given, 'options', ['port', 'ip', 'tls', 'authorize', 'maxInputs', 'bFrames', 'silence', 'appData'])
  const ip = check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip')
  const port = check.optional(check.integer, options.port, DEFAULT_PORT, 'options.port', 0, 65_535)
  if (typeof options.authorize !== 'function') {
    throw check.invalid('options.authorize', 'a function that says who may publish', options.authorize)
  }
  return {
    address: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
    tls: options.tls === undefined ? null : identity(options.tls),
    maxInputs: check.optional(check.integer, options.maxInputs, 1000, 'options.maxInputs', 1, 4096),
    mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix',
    silence: check.optional(check.integer, options.silence, 5000, 'options.silence', 100, HOUR)
  }
}

function identity(given) {
  const options = check.options(given, 'options.tls', ['cert', 'key'])
  return { cert: pem(options.cert, 'options.tls.cert'), key: pem(options.key, 'options.tls.key') }
}

/** What each kind is pushed in: what servers take of pictures, and of sound what is free to make. */
const PUSHED = { audio: 'opus', video: 'h264' }

/** Where to, without the address of the host, and which tracks. */
function rtmpOutputOptions(url, given, endpoint) {
  const { host, secure, ...where } = target(url)
  const options = check.options(given, 'options', ['audio', 'video', 'ca', 'reconnect', 'appData'])
  if (options.ca !== undefined && !secure) throw check.invalid('options.ca', 'an URL of rtmps://', url)
  const trust = secure ? { name: host.name, ca: options.ca === undefined ? knownRoots() : pem(options.ca, 'options.ca') } : null
  const reconnect = check.optional(check.integer, options.reconnect, 0, 'options.reconnect', 0, DAY)
  const sources = { audio: source(options, 'audio', endpoint), video: source(options, 'video', endpoint) }
  if (!sources.audio && !sources.video) throw check.invalid('options', 'a track of audio or video', given)
  return { host, where: { ...where, tls: trust, reconnect }, sources }
}

function target(url) {
  check.nonEmptyString(url, 'url')
  const parsed = URL.canParse(url) ? new URL(url) : null
  // Everything but the last part of the path is the application, as encoders have it.
  const [, app, key] = /^\/(.+)\/([^/]+)$/.exec(parsed ? parsed.pathname + parsed.search : '') ?? []
  // The key is a secret: the error does not repeat it.
  const { protocol } = parsed ?? {}
  if (!(protocol in PORTS) || !parsed.hostname || !key) {
    throw new MediaLoomError('ERR_INVALID_ARG', 'url: expected rtmp://HOST/APP/KEY or rtmps://', { field: 'url' })
  }
  const host = { name: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port || PORTS[protocol]) }
  return { host, secure: protocol === 'rtmps:', url: `${protocol}//${parsed.host}/${app}`, app, key }
}

function source(options, kind, endpoint) {
  const track = options[kind]
  if (track === undefined || track === null) return null
  const field = `options.${kind}`
  if (!isSourceTrack(track) || track.kind !== kind) throw check.invalid(field, `a track of ${kind}`, track)
  check.open(track)
  if (track.endpoint !== endpoint) throw check.invalid(field, 'a track of the same endpoint', track)
  inOrder(track)
  if (!track.codecs.includes(PUSHED[kind])) {
    const made = kind === 'video' ? "; a mixer makes it with video: { codecs: ['h264'] }" : ''
    throw new MediaLoomError('ERR_CODEC_MISMATCH', `RTMP takes ${PUSHED[kind]}, and the track is ${track.codecs.join(', ')}${made}`, {
      field
    })
  }
  return track
}

/** Address and port of a host, as the engine takes them. */
async function resolvedAddress({ name, port }) {
  try {
    const { address, family } = await dns.lookup(name)
    return family === 6 ? `[${address}]:${port}` : `${address}:${port}`
  } catch (error) {
    throw new MediaLoomError('ERR_IO', `the host ${name} is not found: ${error instanceof Error ? error.message : error}`, { field: 'url' })
  }
}

module.exports = { resolvedAddress, rtmpOutputOptions, rtmpServerOptions }
