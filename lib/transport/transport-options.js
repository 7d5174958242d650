'use strict'

const check = require('../object/check.js')

const CODECS = ['opus', 'pcmu', 'pcma', 'g722', 'vp8', 'vp9', 'h264', 'av1', 'h265']
const MEBIBYTE = 1024 * 1024
/** A week: longer is a mistake in the unit. */
const MAX_TIMEOUT = 7 * 24 * 60 * 60 * 1000

const KNOWN = [
  'appData',
  'iceLite',
  'polite',
  'codecs',
  'red',
  'dtx',
  'opus',
  'dtls',
  'connectTimeout',
  'disconnectTimeout',
  'maxMessageSize',
  'maxBufferedAmount',
  'dumpFile'
]

/** Checks the options of a transport and fills in the defaults. */
function transportOptions(given) {
  const options = check.options(given, 'options', KNOWN)
  const codecs = check.optional(check.array, options.codecs, [], 'options.codecs')
  if (options.codecs !== undefined && codecs.length === 0) {
    throw check.invalid('options.codecs', 'at least one codec', codecs)
  }
  return {
    appData: options.appData,
    iceLite: check.optional(check.boolean, options.iceLite, true, 'options.iceLite'),
    polite: check.optional(check.boolean, options.polite, true, 'options.polite'),
    codecs: codecs.map((codec, index) => check.oneOf(codec, `options.codecs[${index}]`, CODECS)),
    red: check.optional(check.boolean, options.red, false, 'options.red'),
    dtx: check.optional(check.boolean, options.dtx, false, 'options.dtx'),
    opus: opusOptions(options.opus),
    dtls: check.optional(check.oneOf, options.dtls, 'auto', 'options.dtls', ['1.2', '1.3', 'auto']),
    connectTimeout: check.optional(check.integer, options.connectTimeout, 30_000, 'options.connectTimeout', 0, MAX_TIMEOUT),
    disconnectTimeout: check.optional(check.integer, options.disconnectTimeout, 30_000, 'options.disconnectTimeout', 1, MAX_TIMEOUT),
    maxMessageSize: check.optional(check.integer, options.maxMessageSize, MEBIBYTE / 4, 'options.maxMessageSize', 1, 16 * MEBIBYTE),
    maxBufferedAmount: check.optional(check.integer, options.maxBufferedAmount, 16 * MEBIBYTE, 'options.maxBufferedAmount', 1, 2 ** 32 - 1),
    dumpFile: check.optional(check.nonEmptyString, options.dumpFile, undefined, 'options.dumpFile')
  }
}

/** How the peer is asked to send Opus. RFC 7587 6.1 has the bounds of the bitrate. */
function opusOptions(given) {
  const options = check.options(given, 'options.opus', ['stereo', 'maxAverageBitrate'])
  return {
    stereo: check.optional(check.boolean, options.stereo, false, 'options.opus.stereo'),
    maxAverageBitrate: check.optional(check.integer, options.maxAverageBitrate, undefined, 'options.opus.maxAverageBitrate', 6000, 510_000)
  }
}

module.exports = { transportOptions }
