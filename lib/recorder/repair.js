'use strict'

const check = require('../object/check.js')
const { fromNative } = require('../object/error.js')
const native = require('../native/binding.js')

/** Makes a file seekable that a recorder did not finish. */
async function repair(file) {
  check.nonEmptyString(file, 'file')
  const { error, repaired, bytes, duration, cut } = await native.repairRecording(file)
  if (error) throw fromNative(error)
  return { file, repaired, bytes, duration: duration ?? null, cut: cut ?? null }
}

module.exports = { repair }
