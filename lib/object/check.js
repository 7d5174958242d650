'use strict'

const { inspect } = require('node:util')
const { isIP } = require('node:net')
const { MediaLoomError } = require('./error.js')

/**
 * Argument checks. Each takes the value and the path by which the error names it, and returns the
 * value or throws `ERR_INVALID_ARG`.
 */

function invalid(field, expected, value) {
  const got = inspect(value, { depth: 0, maxStringLength: 40, maxArrayLength: 3, breakLength: Infinity })
  const cut = got.length > 80 ? `${got.slice(0, 80)}...` : got
  return new MediaLoomError('ERR_INVALID_ARG', `${field}: expected ${expected}, got ${cut}`, { field })
}

function string(value, field) {
  if (typeof value !== 'string') throw invalid(field, 'a string', value)
  return value
}

function nonEmptyString(value, field) {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a string that is not empty', value)
  return value
}

function boolean(value, field) {
  if (typeof value !== 'boolean') throw invalid(field, 'a boolean', value)
  return value
}

function integer(value, field, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(field, `an integer from ${min} to ${max}`, value)
  }
  return value
}

function positive(value, field) {
  if (typeof value !== 'number' || !(value > 0) || value === Infinity) {
    throw invalid(field, 'a number above 0', value)
  }
  return value
}

function oneOf(value, field, choices) {
  if (!choices.includes(value)) {
    throw invalid(field, choices.map(choice => inspect(choice)).join(', '), value)
  }
  return value
}

function array(value, field) {
  if (!Array.isArray(value)) throw invalid(field, 'an array', value)
  return value
}

function ip(value, field) {
  // An address with a zone (`fe80::1%eth0`) means nothing to a peer.
  if (typeof value !== 'string' || isIP(value) === 0 || value.includes('%')) {
    throw invalid(field, 'an IPv4 or IPv6 address', value)
  }
  return value
}

/**
 * An options object. A key that is not known is refused, so that a typing error does not pass for
 * a default.
 */
function options(value, field, known) {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, 'an object', value)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      const path = `${field}.${key}`
      throw new MediaLoomError('ERR_INVALID_ARG', `${path}: no such option; there are ${known.join(', ')}`, {
        field: path
      })
    }
  }
  return value
}

/** `check` unless the value is undefined. */
function optional(check, value, fallback, ...rest) {
  return value === undefined ? fallback : check(value, ...rest)
}

function open(object) {
  if (object.closed) {
    throw new MediaLoomError('ERR_CLOSED', `the ${describe(object)} is closed`)
  }
}

/** The call does not fit what the object is. */
function state(message) {
  return new MediaLoomError('ERR_INVALID_STATE', message)
}

/** `IncomingTrack` as `incoming track`. */
function describe(object) {
  return object.constructor.name.replace(/(?<=[a-z])[A-Z]/g, letter => ` ${letter}`).toLowerCase()
}

module.exports = {
  array,
  boolean,
  integer,
  invalid,
  ip,
  nonEmptyString,
  oneOf,
  open,
  optional,
  options,
  positive,
  state,
  string
}
