'use strict'

const check = require('../object/check.js')
const { networks } = require('../transport/networks.js')

const HOUR = 60 * 60 * 1000

/** Where a server listens, as the engine takes it. */
function listenAddress(options, defaultPort) {
  const ip = check.optional(check.ip, options.ip, '0.0.0.0', 'options.ip')
  const port = check.optional(check.integer, options.port, defaultPort, 'options.port', 0, 65_535)
  if (typeof options.authorize !== 'function') {
    throw check.invalid('options.authorize', 'a function that says who may publish', options.authorize)
  }
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** What is said of every input. */
function inputOptions(options) {
  return {
    silence: silence(options),
    mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix'
  }
}

function maxInputs(options) {
  return check.optional(check.integer, options.maxInputs, 1000, 'options.maxInputs', 1, 4096)
}

function silence(options) {
  return check.optional(check.integer, options.silence, 5000, 'options.silence', 100, HOUR)
}

/** Of what is fetched: whether it is tried again, and whom this host asks. */
function fetchOptions(options) {
  return {
    reconnect: reconnect(options.reconnect),
    allowPrivate: check.optional(check.boolean, options.allowPrivate, false, 'options.allowPrivate'),
    allow: networks(options.allow, 'options.allow')
  }
}

function reconnect(given) {
  if (given === false) return null
  const options = given === undefined || given === true ? {} : check.options(given, 'options.reconnect', ['delay', 'maxDelay'])
  const delay = check.optional(check.integer, options.delay, 1000, 'options.reconnect.delay', 10, HOUR)
  const maxDelay = check.optional(check.integer, options.maxDelay, Math.max(30_000, delay), 'options.reconnect.maxDelay', delay, HOUR)
  return { delay, maxDelay }
}

module.exports = { fetchOptions, inputOptions, listenAddress, maxInputs, silence }
