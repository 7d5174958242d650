'use strict'

const { rm } = require('node:fs/promises')
const path = require('node:path')

/** How often something is tried, and milliseconds before the second time; each time it is twice as long. */
const ATTEMPTS = 6
const FIRST_PAUSE = 500

/** Brings the files of one recording to where they are kept. */
class Uploads {
  #storage
  #name
  /** @type {Map<string, import('../../storage/index.js').FollowedFile | null>} */
  #open = new Map()
  /** @type {Set<Promise<void>>} */
  #running = new Set()
  /** @type {Error | null} */
  #error = null

  /**
   * @param {import('../../storage/index.js').RecordingStorage} storage
   * @param {string} name of the recording
   */
  constructor(storage, name) {
    this.#storage = storage
    this.#name = name
  }

  /** A file begins. @param {string} place */
  opened(place) {
    this.#open.set(place, this.#storage.follow?.(this.#nameOf(place), place) ?? null)
  }

  /**
   * A file is whole.
   * @param {string} place
   * @param {boolean} empty it is not to be stored
   */
  closed(place, empty) {
    const followed = this.#open.get(place)
    this.#open.delete(place)
    if (empty) void followed?.abort().catch(() => {})
    else this.#run(() => (followed ? followed.finish() : this.#storage.put(this.#nameOf(place), place)))
  }

  /** A file that is whole already. @param {string} place */
  put(place) {
    this.#run(() => this.#storage.put(this.#nameOf(place), place))
  }

  /**
   * Waits for all of them.
   * @returns {Promise<Error | null>} what kept one from being stored
   */
  async finish() {
    for (const followed of this.#open.values()) await followed?.abort().catch(() => {})
    this.#open.clear()
    while (this.#running.size > 0) await Promise.all(this.#running)
    return this.#error
  }

  /** @param {() => Promise<void>} work */
  #run(work) {
    const running = persist(work)
      .catch(error => {
        this.#error ??= error
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** @param {string} place */
  #nameOf(place) {
    return `${this.#name}/${path.basename(place)}`
  }
}

/** Tries until it is done, or often enough. @param {() => Promise<void>} work */
async function persist(work) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      await new Promise(resolve => setTimeout(resolve, FIRST_PAUSE * 2 ** (attempt - 1)))
    }
  }
}

/** What is stored elsewhere is not needed here. @param {string} directory */
function removeLocal(directory) {
  return rm(directory, { recursive: true, force: true })
}

exports.Uploads = Uploads
exports.removeLocal = removeLocal
