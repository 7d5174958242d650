'use strict'

const check = require('../object/check.js')

const DEFAULT_PORT = 9000
const DEFAULT_LATENCY = 120
const MAX_LATENCY = 8000
/** Bytes, as SRT has them. */
const PASSPHRASE = { least: 10, most: 79 }

function srtServerOptions(given) {
  const options = check.options(given, 'options', ['port', 'ip', 'passphrase', 'latency', 'authorize', 'maxInputs', 'bFrames', 'appData'])
  const ip = check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip')
  const port = check.optional(check.integer, options.port, DEFAULT_PORT, 'options.port', 0, 65_535)
  if (typeof options.authorize !== 'function') {
    throw check.invalid('options.authorize', 'a function that says who may publish', options.authorize)
  }
  return {
    address: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
    passphrase: passphrase(options.passphrase, 'options.passphrase'),
    latency: latency(options.latency),
    maxInputs: check.optional(check.integer, options.maxInputs, 1000, 'options.maxInputs', 1, 4096),
    mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix'
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

module.exports = { srtServerOptions }
