'use strict'

const { randomUUID } = require('node:crypto')
const check = require('../object/check.js')

/** Tracks one transport sends. */
const MAX_TRACKS = 1000
/** `token-char` of RFC 8866 9, at most 64 of them (RFC 8830 2). */
const MSID = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}$/

function msid(value, field) {
  if (typeof value !== 'string' || !MSID.test(value)) throw check.invalid(field, '1 to 64 token characters', value)
  return value
}

/** Checks the options of an outgoing stream and fills in the defaults. */
function outgoingStreamOptions(given) {
  const options = check.options(given, 'options', ['id', 'audio', 'video', 'appData'])
  return {
    id: check.optional(msid, options.id, undefined, 'options.id') ?? randomUUID(),
    audio: check.optional(check.integer, options.audio, 0, 'options.audio', 0, MAX_TRACKS),
    video: check.optional(check.integer, options.video, 0, 'options.video', 0, MAX_TRACKS),
    appData: options.appData
  }
}

/** Checks the options of an outgoing track and fills in the defaults. */
function outgoingTrackOptions(given) {
  const options = check.options(given, 'options', ['id', 'appData'])
  return {
    id: check.optional(msid, options.id, undefined, 'options.id') ?? randomUUID(),
    appData: options.appData
  }
}

module.exports = { MAX_TRACKS, outgoingStreamOptions, outgoingTrackOptions }
