'use strict'

/** Of a recording or of a file of one: no separator, nothing hidden, nothing that a system reserves by a mark. */
const SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
/** Names that Windows takes for devices, with any ending. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** @param {unknown} name @returns {name is string} */
function isSafeName(name) {
  return typeof name === 'string' && SAFE.test(name) && !name.endsWith('.') && !DEVICES.test(name)
}

/**
 * The name of a stored file: that of its recording, a slash, its own.
 *
 * @param {unknown} name
 * @returns {[recording: string, file: string]}
 */
function checkStoredName(name) {
  const [recording, file, ...more] = typeof name === 'string' ? name.split('/') : []
  if (more.length === 0 && isSafeName(recording) && isSafeName(file)) return [recording, file]
  const error = new TypeError('a stored file is called recording/file, each of letters and digits of ASCII and the marks . _ -')
  throw Object.assign(error, { code: 'ERR_INVALID_ARG' })
}

exports.checkStoredName = checkStoredName
exports.isSafeName = isSafeName
