'use strict'

const dns = require('node:dns/promises')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { inputOptions, listenAddress, maxInputs } = require('./input-options.js')
const { outputReconnect, outputSources } = require('./output-options.js')
const { knownRoots, pem } = require('./trust.js')

/** Of each scheme. */
const PORTS = { 'rtmp:': 1935, 'rtmps:': 443 }
const DEFAULT_PORT = PORTS['rtmp:']

function rtmpServerOptions(given) {
  const options = check.options(given, 'options', ['port', 'ip', 'tls', 'authorize', 'maxInputs', 'bFrames', 'silence', 'appData'])
  return {
    address: listenAddress(options, DEFAULT_PORT),
    tls: options.tls === undefined ? null : identity(options.tls),
    maxInputs: maxInputs(options),
    ...inputOptions(options)
  }
}

function identity(given) {
  const options = check.options(given, 'options.tls', ['cert', 'key'])
  return { cert: pem(options.cert, 'options.tls.cert'), key: pem(options.key, 'options.tls.key') }
}

/** What servers take of pictures, and of sound what is free to make. */
const CARRIER = { name: 'RTMP', audio: ['opus'], video: ['h264'] }

/** Where to, without the address of the host, and which tracks. */
function rtmpOutputOptions(url, given, endpoint) {
  const { host, secure, ...where } = target(url)
  const options = check.options(given, 'options', ['audio', 'video', 'ca', 'reconnect', 'appData'])
  if (options.ca !== undefined && !secure) throw check.invalid('options.ca', 'an URL of rtmps://', url)
  const trust = secure ? { name: host.name, ca: options.ca === undefined ? knownRoots() : pem(options.ca, 'options.ca') } : null
  const sources = outputSources(options, endpoint, CARRIER)
  return { host, where: { ...where, tls: trust, reconnect: outputReconnect(options) }, sources }
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
