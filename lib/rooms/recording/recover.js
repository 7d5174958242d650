'use strict'

const { rename, stat, writeFile } = require('node:fs/promises')
const path = require('node:path')
const { repair } = require('../../../index.js')
const { DirectoryStorage } = require('../../storage/directory-storage.js')
const { isSafeName } = require('../../storage/names.js')
const { listRecordings, readIndex } = require('../../storage/recordings.js')
const { going } = require('./going.js')
const { INDEX_NAME } = require('./index-file.js')
const { Uploads, removeLocal } = require('./uploads.js')

/**
 * @param {string} directory
 * @param {{ storage?: import('../../storage/index.js').RecordingStorage }} [options]
 * @returns {Promise<string[]>}
 */
async function recoverRecordings(directory, { storage } = {}) {
  const local = new DirectoryStorage(directory)
  const active = new Set([...going].map(recording => recording.directory))
  const recovered = []
  for (const { name } of await listRecordings(local)) {
    const place = path.join(local.directory, name)
    if (active.has(place)) continue
    const index = await readIndex(local, name)
    if (!index) continue
    if (index.state === 'recording') await finish(place, index)
    else if (!storage) continue
    if (storage && !(await store(storage, name, place, index))) continue
    recovered.push(name)
  }
  return recovered
}

/**
 * Makes whole what its process did not.
 * @param {string} place
 * @param {import('../index.js').RecordingIndex} index
 */
async function finish(place, index) {
  for (const file of filesOf(index)) {
    const full = path.join(place, file.file)
    // What cannot be read stays as it is.
    const repaired = await repair(full).catch(() => null)
    const size = await stat(full).then(
      ({ size }) => size,
      () => null
    )
    if (size !== null) file.bytes = size
    if (repaired?.duration) file.duration = repaired.duration
  }
  const end = Math.max(index.duration, ...filesOf(index).map(({ offset, duration }) => offset + duration))
  const bytes = filesOf(index).reduce((sum, file) => sum + file.bytes, 0)
  Object.assign(index, { state: 'finished', reason: 'interrupted', duration: Math.round(end * 1000) / 1000, bytes })
  const made = path.join(place, `${INDEX_NAME}.tmp`)
  await writeFile(made, `${JSON.stringify(index, null, 2)}\n`, { mode: 0o600 })
  await rename(made, path.join(place, INDEX_NAME))
}

/**
 * @param {import('../../storage/index.js').RecordingStorage} storage
 * @param {string} name
 * @param {string} place
 * @param {import('../index.js').RecordingIndex} index
 * @returns {Promise<boolean>} whether all of it is there now
 */
async function store(storage, name, place, index) {
  const uploads = new Uploads(storage, name)
  for (const { file } of filesOf(index)) uploads.put(path.join(place, file))
  uploads.put(path.join(place, INDEX_NAME))
  const stored = (await uploads.finish()) === null
  if (stored) await removeLocal(place)
  return stored
}

/** An index is a file that anybody may have written. @param {import('../index.js').RecordingIndex} index */
function filesOf({ files }) {
  return Array.isArray(files) ? files.filter(file => isSafeName(file?.file)) : []
}

exports.recoverRecordings = recoverRecordings
