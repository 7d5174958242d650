'use strict'

const { isSafeName } = require('./names.js')

const INDEX = 'index.json'
/** Bytes of an index: those of rooms are far smaller. */
const MAX_INDEX = 16 * 1024 * 1024

/**
 * What a storage has, by recording, the oldest first.
 *
 * @param {import('./index.js').RecordingStorage} storage
 * @returns {Promise<import('./index.js').StoredRecording[]>}
 */
async function listRecordings(storage) {
  /** @type {Map<string, import('./index.js').StoredFile[]>} */
  const byRecording = new Map()
  for await (const file of storage.list()) {
    const [recording] = file.name.split('/')
    const files = byRecording.get(recording)
    if (files) files.push(file)
    else byRecording.set(recording, [file])
  }
  const recordings = [...byRecording].map(([name, files]) => ({
    name,
    files,
    size: files.reduce((sum, { size }) => sum + size, 0),
    modified: new Date(Math.max(...files.map(({ modified }) => modified.getTime())))
  }))
  return recordings.sort((one, other) => one.modified.getTime() - other.modified.getTime() || (one.name < other.name ? -1 : 1))
}

/**
 * @param {import('./index.js').RecordingStorage} storage
 * @param {string} recording
 * @returns {Promise<any>} null where there is none, or nothing that could be one
 */
async function readIndex(storage, recording) {
  if (!isSafeName(recording)) return null
  const name = `${recording}/${INDEX}`
  const stat = await storage.stat(name)
  if (!stat || stat.size > MAX_INDEX) return null
  /** @type {Buffer[]} */
  const chunks = []
  for await (const chunk of await storage.read(name)) chunks.push(/** @type {Buffer} */ (chunk))
  try {
    const index = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof index === 'object' && index !== null && !Array.isArray(index) ? index : null
  } catch {
    return null
  }
}

/**
 * @param {import('./index.js').RecordingStorage} storage
 * @param {string} recording
 * @returns {Promise<boolean>} whether there was one
 */
async function removeRecording(storage, recording) {
  if (!isSafeName(recording)) return false
  const names = []
  for await (const { name } of storage.list(recording)) names.push(name)
  // The index last: what is half removed is still known.
  names.sort((one, other) => Number(one.endsWith(`/${INDEX}`)) - Number(other.endsWith(`/${INDEX}`)))
  for (const name of names) await storage.remove(name)
  return names.length > 0
}

/**
 * Removes what is older, or more, than is to be kept, the oldest first.
 *
 * @param {import('./index.js').RecordingStorage} storage
 * @param {import('./index.js').Retention} retention
 * @param {{ now?: number, except?: Iterable<string> }} [options] `except`: names of recordings that go on
 * @returns {Promise<string[]>} what was removed
 */
async function expireRecordings(
  storage,
  { maxAge = Infinity, maxSize = Infinity, maxCount = Infinity },
  { now = Date.now(), except = [] } = {}
) {
  const spared = new Set(except)
  const recordings = await listRecordings(storage)
  let count = recordings.length
  let size = recordings.reduce((sum, recording) => sum + recording.size, 0)
  const removed = []
  for (const recording of recordings) {
    if (spared.has(recording.name)) continue
    if (now - recording.modified.getTime() <= maxAge && size <= maxSize && count <= maxCount) continue
    await removeRecording(storage, recording.name)
    removed.push(recording.name)
    count -= 1
    size -= recording.size
  }
  return removed
}

exports.expireRecordings = expireRecordings
exports.listRecordings = listRecordings
exports.readIndex = readIndex
exports.removeRecording = removeRecording
