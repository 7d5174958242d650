'use strict'

const dns = require('node:dns/promises')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { fetchOptions, inputOptions } = require('./input-options.js')
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
      ...inputOptions(options),
      ...fetchOptions(options),
      trust: trust(url, options)
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
