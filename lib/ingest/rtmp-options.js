'use strict'

const check = require('../object/check.js')

const DEFAULT_PORT = 1935

function rtmpServerOptions(given) {
  const options = check.options(given, 'options', ['port', 'ip', 'tls', 'authorize', 'maxInputs', 'bFrames', 'appData'])
  const ip = check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip')
  const port = check.optional(check.integer, options.port, DEFAULT_PORT, 'options.port', 0, 65_535)
  if (typeof options.authorize !== 'function') {
    throw check.invalid('options.authorize', 'a function that says who may publish', options.authorize)
  }
  return {
    address: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
    tls: options.tls === undefined ? null : tls(options.tls),
    maxInputs: check.optional(check.integer, options.maxInputs, 1000, 'options.maxInputs', 1, 4096),
    mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix'
  }
}

function tls(given) {
  const options = check.options(given, 'options.tls', ['cert', 'key'])
  return { cert: pem(options.cert, 'options.tls.cert'), key: pem(options.key, 'options.tls.key') }
}

function pem(value, field) {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  if (typeof value !== 'string' || value === '') throw check.invalid(field, 'PEM as a string or a Buffer', typeof value)
  return value
}

module.exports = { rtmpServerOptions }
