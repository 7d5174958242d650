'use strict'

const { rename, unlink, writeFile } = require('node:fs/promises')
const path = require('node:path')

const NAME = 'index.json'
/** Bytes that are kept for the last words of a recording that filled the disk. */
const RESERVE = 64 * 1024

/** Writes what is known of a recording beside its files, whole or not at all. */
class IndexFile {
  #directory
  #mode
  #interval
  #contents
  /** @type {NodeJS.Timeout | null} */
  #timer = null
  /** One after the other. @type {Promise<void>} */
  #writing = Promise.resolve()

  /**
   * @param {string} directory
   * @param {{ mode: number, interval: number, contents: () => object }} options `interval` in milliseconds
   */
  constructor(directory, { mode, interval, contents }) {
    this.#directory = directory
    this.#mode = mode
    this.#interval = interval
    this.#contents = contents
  }

  /** Before anything else is written. */
  async begin() {
    await writeFile(this.#reserve, Buffer.alloc(RESERVE), { mode: this.#mode, flag: 'wx' })
    await this.#write()
  }

  /** Something changed. */
  changed() {
    if (this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      // What fills the disk ends the recording by its recorders.
      this.#writing = this.#writing.then(() => this.#write()).catch(() => {})
    }, this.#interval)
    this.#timer.unref()
  }

  /** The last time. */
  async end() {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    await this.#writing
    await unlink(this.#reserve).catch(() => {})
    await this.#write()
  }

  async #write() {
    const place = path.join(this.#directory, NAME)
    const made = `${place}.tmp`
    await writeFile(made, `${JSON.stringify(this.#contents(), null, 2)}\n`, { mode: this.#mode })
    await rename(made, place)
  }

  get #reserve() {
    return path.join(this.#directory, '.reserve')
  }
}

exports.IndexFile = IndexFile
exports.INDEX_NAME = NAME
