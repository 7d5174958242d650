'use strict'

const fs = require('node:fs')
const { copyFile, lstat, mkdir, open, readdir, realpath, rename, rmdir, unlink } = require('node:fs/promises')
const path = require('node:path')
const { checkStoredName, isSafeName } = require('./names.js')

/** Keeps recordings in a directory of this machine, where recorders write them. */
class DirectoryStorage {
  /** @param {string} directory */
  constructor(directory) {
    this.directory = path.resolve(directory)
  }

  /** @param {string} name @param {string} file */
  async put(name, file) {
    const place = this.#placeOf(name)
    if (path.resolve(file) === place) return
    await mkdir(path.dirname(place), { recursive: true, mode: 0o700 })
    // Whoever reads it meanwhile has the old one or the new one.
    const copy = path.join(path.dirname(place), `.${path.basename(place)}.${process.pid}`)
    await copyFile(file, copy)
    await rename(copy, place)
  }

  /** @param {string} [recording] */
  async *list(recording) {
    const names = recording === undefined ? await namesIn(this.directory) : [recording]
    for (const each of names.filter(isSafeName)) {
      const directory = path.join(this.directory, each)
      if (!(await isDirectory(directory))) continue
      for (const file of (await namesIn(directory)).filter(isSafeName)) {
        const stat = await this.stat(`${each}/${file}`)
        if (stat) yield stat
      }
    }
  }

  /** @param {string} name */
  async stat(name) {
    const found = await this.#find(name)
    return found && { name, size: found.stats.size, modified: found.stats.mtime }
  }

  /**
   * @param {string} name
   * @param {{ start?: number, end?: number }} [range]
   */
  async read(name, { start = 0, end } = {}) {
    const found = await this.#find(name)
    if (!found) throw Object.assign(new Error(`there is no ${name}`), { code: 'ENOENT' })
    const handle = await open(found.place, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0))
    return handle.createReadStream({ start, ...(end !== undefined && { end }) })
  }

  /** @param {string} name */
  async remove(name) {
    const found = await this.#find(name)
    if (found) await unlink(found.place)
    const directory = path.dirname(this.#placeOf(name))
    // What a recorder that was killed left is nothing without its recording.
    const left = await namesIn(directory)
    if (left.some(isSafeName)) return
    for (const file of left) await unlink(path.join(directory, file)).catch(() => {})
    await rmdir(directory).catch(() => {})
  }

  /** A file, and no link to somewhere else. @param {string} name */
  async #find(name) {
    const place = this.#placeOf(name)
    if (!(await isDirectory(path.dirname(place)))) return null
    const stats = await lstat(place).catch(() => null)
    if (!stats?.isFile()) return null
    // The directory itself may be reached by a link; nothing in it leads out of it.
    const [root, real] = await Promise.all([realpath(this.directory), realpath(place)])
    return real === path.join(root, path.relative(this.directory, place)) ? { place, stats } : null
  }

  /** @param {string} name */
  #placeOf(name) {
    return path.join(this.directory, ...checkStoredName(name))
  }
}

/** @param {string} directory */
async function namesIn(directory) {
  return (await readdir(directory).catch(() => /** @type {string[]} */ ([]))).sort()
}

/** @param {string} place */
async function isDirectory(place) {
  return (await lstat(place).catch(() => null))?.isDirectory() ?? false
}

exports.DirectoryStorage = DirectoryStorage
