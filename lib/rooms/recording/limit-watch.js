'use strict'

const { statfs } = require('node:fs/promises')

const INTERVAL = 1000

/** Looks once a second whether a recording has become as large or as long as it may, or the disk too full. */
class LimitWatch {
  #recording
  #limits
  #onProgress
  #onLimit
  /** @type {NodeJS.Timeout | null} */
  #timer = null

  /**
   * @param {import('./room-recording.js').RoomRecording} recording
   * @param {{ maxSize: number, maxDuration: number, minFree: number }} limits bytes, milliseconds, bytes
   * @param {{ onProgress: () => void, onLimit: (which: 'size' | 'duration' | 'free' | 'closed') => void }} listeners
   */
  constructor(recording, limits, { onProgress, onLimit }) {
    this.#recording = recording
    this.#limits = limits
    this.#onProgress = onProgress
    this.#onLimit = onLimit
  }

  begin() {
    this.#timer = setInterval(() => void this.#look(), INTERVAL)
    this.#timer.unref()
  }

  end() {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  async #look() {
    const { bytes, directory, duration, room } = this.#recording
    if (room.endpoint.closed) return this.#onLimit('closed')
    this.#onProgress()
    if (bytes >= this.#limits.maxSize) return this.#onLimit('size')
    if (duration * 1000 >= this.#limits.maxDuration) return this.#onLimit('duration')
    if (await isFull(directory, this.#limits.minFree)) this.#onLimit('free')
  }
}

/**
 * Whether less is free where the directory is. What cannot be asked is not full.
 *
 * @param {string} directory
 * @param {number} minFree bytes
 */
async function isFull(directory, minFree) {
  if (minFree === 0) return false
  const stats = await statfs(directory).catch(() => null)
  return stats !== null && stats.bavail * stats.bsize < minFree
}

exports.LimitWatch = LimitWatch
exports.isFull = isFull
