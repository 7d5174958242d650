'use strict'

const check = require('../object/check.js')

/** What stands on the keys, in the order of their events (RFC 4733 3.2). */
const KEYS = [...'0123456789*#ABCD']

/** Checks which key is to be pressed and fills in the defaults. */
function telephoneEvent(given) {
  const options = check.options(given, 'options', ['key', 'event', 'duration', 'volume'])
  if ((options.key === undefined) === (options.event === undefined)) {
    throw check.invalid('options.key', 'a key, or an event instead of it', options.key)
  }
  const event =
    options.key === undefined
      ? check.integer(options.event, 'options.event', 0, 255)
      : KEYS.indexOf(check.oneOf(options.key, 'options.key', KEYS))
  return {
    event,
    // The shortest that is recognised (ITU-T Q.24), and what a packet can say at 8 kHz.
    duration: check.optional(check.integer, options.duration, 100, 'options.duration', 40, 8000),
    volume: -check.optional(check.integer, options.volume, -10, 'options.volume', -63, 0)
  }
}

module.exports = { telephoneEvent }
