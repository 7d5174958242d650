'use strict'

const dns = require('node:dns/promises')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { networks } = require('../transport/networks.js')
const { knownRoots, pem } = require('./trust.js')

const KNOWN = [
  'transport',
  'user',
  'password',
  'timeout',
  'silence',
  'reconnect',
  'allowPrivate',
  'allow',
  'lookup',
  'ca',
  'fingerprint',
  'bFrames',
  'appData'
]
const HOUR = 60 * 60 * 1000

/** What is fetched and how, as the engine takes it, and what is for JavaScript alone. */
function rtspOptions(url, given) {
  check.nonEmptyString(url, 'url')
  const options = check.options(given, 'options', KNOWN)
  if (options.password !== undefined && options.user === undefined) {
    throw check.invalid('options.user', 'a user for the password', options.user)
  }
  if (options.lookup !== undefined && typeof options.lookup !== 'function') {
    throw check.invalid('options.lookup', 'a function that gives the addresses of a host', options.lookup)
  }
  return {
    lookup: options.lookup ?? addressesOf,
    engine: {
      url,
      user: check.optional(check.nonEmptyString, options.user, null, 'options.user'),
      password: check.optional(check.string, options.password, null, 'options.password'),
      transport: check.optional(check.oneOf, options.transport, 'auto', 'options.transport', ['auto', 'tcp', 'udp']),
      timeout: check.optional(check.integer, options.timeout, 10_000, 'options.timeout', 100, HOUR),
      silence: check.optional(check.integer, options.silence, 5000, 'options.silence', 100, HOUR),
      reconnect: reconnect(options.reconnect),
      allowPrivate: check.optional(check.boolean, options.allowPrivate, false, 'options.allowPrivate'),
      allow: networks(options.allow, 'options.allow'),
      trust: trust(url, options),
      mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix'
    }
  }
}

/** How a server in TLS is known: by its certificate itself, or by who vouches for it. */
function trust(url, { ca, fingerprint }) {
  const secure = /^rtsps:/i.test(url)
  for (const [name, given] of Object.entries({ ca, fingerprint })) {
    if (given !== undefined && !secure) throw check.invalid(`options.${name}`, 'an URL of rtsps://', shownUrl(url))
  }
  if (!secure) return null
  if (fingerprint === undefined) return { ca: ca === undefined ? knownRoots() : pem(ca, 'options.ca') }
  if (ca !== undefined) throw check.invalid('options.ca', 'either this or a fingerprint', 'both')
  return { fingerprint: check.nonEmptyString(fingerprint, 'options.fingerprint') }
}

function reconnect(given) {
  if (given === false) return null
  const options = given === true ? {} : check.options(given, 'options.reconnect', ['delay', 'maxDelay'])
  const delay = check.optional(check.integer, options.delay, 1000, 'options.reconnect.delay', 10, HOUR)
  const maxDelay = check.optional(check.integer, options.maxDelay, Math.max(30_000, delay), 'options.reconnect.maxDelay', delay, HOUR)
  return { delay, maxDelay }
}

async function addressesOf(host) {
  const found = await dns.lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** Without the credentials, which are secrets. */
function shownUrl(url) {
  return url.replace(/^([^:/]*:\/\/)[^/?#]*@/, '$1')
}

/** What the engine says of the URL is about the first argument, and repeats none of it. */
function refused(error) {
  return error.field === 'url' ? new MediaLoomError(error.code, `url: ${error.message}`, { field: 'url' }) : error
}

module.exports = { refused, rtspOptions, shownUrl }
