'use strict'

const path = require('node:path')
const { checkOneOf } = require('../choices.js')
const { RoomError } = require('../room-error.js')
const { isSafeName } = require('../../storage/names.js')

const WHAT = new Set(['tracks', 'mixed', 'both'])
const FILES = new Set(['source', 'track'])
/** Recordings of one room at a time: each records everybody anew. */
const MAX_RECORDINGS = 4
/** Bytes that are left free unless it is said otherwise: a full disk is everybody's trouble. */
const MIN_FREE = 100e6
/** Milliseconds for which the files of somebody who has left wait for their return. */
const ABSENCE = 60_000
const YEAR = 366 * 24 * 3600 * 1000
const READ_AND_WRITE_BY_OWNER = 0o600
/** Milliseconds between writing what of the index has changed. */
const INDEX_INTERVAL = 1000

const KNOWN = [
  'what',
  'name',
  'files',
  'format',
  'encoding',
  'mode',
  'maxSize',
  'maxDuration',
  'minFree',
  'retention',
  'absence',
  'storage',
  'keepLocal',
  'by',
  'appData'
]
const KEPT = /** @type {const} */ (['maxAge', 'maxSize', 'maxCount'])

/**
 * @typedef {object} Checked
 * @property {string} root the recordings' directory
 * @property {string} name of the recording, and of its directory there
 * @property {import('../index.js').RecordedWhat} what
 * @property {'source' | 'track'} files
 * @property {string} format
 * @property {'best' | 'smallest'} encoding
 * @property {number} mode
 * @property {number} maxSize
 * @property {number} maxDuration
 * @property {number} minFree
 * @property {number} absence
 * @property {number} indexInterval
 * @property {import('../../storage/index.js').Retention | null} retention
 * @property {import('../../storage/index.js').RecordingStorage | null} storage
 * @property {boolean} keepLocal
 */

/**
 * @param {import('../room.js').Room} room
 * @param {unknown} directory
 * @param {import('../index.js').RoomRecordOptions} options
 * @returns {Checked}
 */
function checkRecordOptions(room, directory, options) {
  if (typeof directory !== 'string' || directory === '') throw invalid('directory', "a path: the recordings' directory")
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object')
  for (const name of Object.keys(options)) if (!KNOWN.includes(name)) throw invalid(`options.${name}`, `one of ${KNOWN.join(', ')}`)
  const {
    what = 'tracks',
    files = 'source',
    format = 'auto',
    encoding = 'best',
    name = nameOf(room),
    storage = null,
    keepLocal = false
  } = options
  checkOneOf(what, 'options.what', WHAT)
  checkOneOf(files, 'options.files', FILES)
  checkOneOf(encoding, 'options.encoding', new Set(['best', 'smallest']))
  if (typeof format !== 'string' || format === '') throw invalid('options.format', 'a format of recorders, or auto')
  // Separators are no part of a name, so that what is asked for stays inside the directory.
  if (!isSafeName(name))
    throw invalid('options.name', 'a name of 1 to 128 letters and digits of ASCII and the marks . _ -, which begins with a letter or digit')
  if (storage !== null && typeof storage?.put !== 'function') throw invalid('options.storage', 'a RecordingStorage')
  return {
    root: path.resolve(directory),
    name,
    what,
    files,
    format,
    encoding,
    mode: number(options.mode, READ_AND_WRITE_BY_OWNER, 'options.mode', 0o777),
    maxSize: number(options.maxSize, Infinity, 'options.maxSize', Number.MAX_SAFE_INTEGER),
    maxDuration: number(options.maxDuration, Infinity, 'options.maxDuration', YEAR),
    minFree: number(options.minFree, MIN_FREE, 'options.minFree', Number.MAX_SAFE_INTEGER),
    absence: number(options.absence, ABSENCE, 'options.absence', YEAR),
    indexInterval: INDEX_INTERVAL,
    retention: checkRetention(options.retention),
    storage,
    keepLocal: Boolean(keepLocal)
  }
}

/** @param {import('../../storage/index.js').Retention | undefined} given */
function checkRetention(given) {
  if (given === undefined || given === null) return null
  if (typeof given !== 'object') throw invalid('options.retention', `an object with ${KEPT.join(', ')}`)
  for (const name of Object.keys(given)) {
    if (!KEPT.includes(/** @type {any} */ (name))) throw invalid(`options.retention.${name}`, `one of ${KEPT.join(', ')}`)
  }
  for (const name of KEPT) number(given[name], 0, `options.retention.${name}`, Number.MAX_SAFE_INTEGER)
  return given
}

/**
 * @param {unknown} value
 * @param {number} fallback
 * @param {string} field
 * @param {number} most
 */
function number(value, fallback, field, most) {
  if (value === undefined || value === null) return fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
  throw invalid(field, `a whole number from 0 to ${most}`)
}

/** By time, so that names are in the order of recording. @param {import('../room.js').Room} room */
function nameOf(room) {
  const time = new Date()
    .toISOString()
    .replace(/\.(\d{3})Z$/, '$1Z')
    .replaceAll(':', '')
  return `${time}-${slug(room.name, 'room')}`
}

/**
 * What of a name can be a part of the name of a file, on any system and in a URL.
 *
 * @param {string} text
 * @param {string} fallback where nothing is left
 */
function slug(text, fallback) {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '')
  return (
    plain
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 40) || fallback
  )
}

/**
 * @param {string} field
 * @param {string} expected
 */
function invalid(field, expected) {
  return new RoomError('ERR_INVALID_ARG', `${field} must be ${expected}`, { field })
}

exports.MAX_RECORDINGS = MAX_RECORDINGS
exports.checkRecordOptions = checkRecordOptions
exports.slug = slug
