'use strict'

const { isRefused } = require('./refused.js')

/**
 * Tells participants of a room which of their tracks speak. The engine decides it, where the packets
 * come; here is no more than whose each track is.
 */
class RoomSpeakers {
  /** One of each endpoint that participants come by. @type {Map<import('../../index.js').Endpoint, import('../../index.js').ActiveSpeakerDetector>} */
  #detectors = new Map()
  /** @type {Map<import('../../index.js').IncomingTrack, (speaking: boolean) => void>} */
  #listeners = new Map()

  /**
   * @param {import('../../index.js').IncomingTrack} track
   * @param {(speaking: boolean) => void} listener
   */
  add(track, listener) {
    if (track.kind !== 'audio' || track.closed) return
    this.#listeners.set(track, listener)
    try {
      this.#detectorOf(track.transport.endpoint).add(track)
    } catch (error) {
      // A room that is not told who speaks is a room still.
      if (!isRefused(error)) throw error
    }
  }

  /** @param {import('../../index.js').IncomingTrack} track */
  remove(track) {
    if (!this.#listeners.delete(track)) return
    const detector = this.#detectors.get(track.transport.endpoint)
    if (track.closed || !detector || detector.closed) return
    try {
      detector.remove(track)
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  close() {
    const detectors = [...this.#detectors.values()]
    this.#detectors.clear()
    this.#listeners.clear()
    for (const detector of detectors) detector.close()
  }

  /** @param {import('../../index.js').Endpoint} endpoint */
  #detectorOf(endpoint) {
    const known = this.#detectors.get(endpoint)
    if (known) return known
    const detector = endpoint.createActiveSpeakerDetector()
    detector.on('speaking', (track, speaking) => this.#listeners.get(track)?.(speaking))
    detector.once('closed', () => this.#replace(endpoint, detector))
    this.#detectors.set(endpoint, detector)
    return detector
  }

  /**
   * The media thread of a detector may die, and its members live on others.
   * @param {import('../../index.js').Endpoint} endpoint
   * @param {import('../../index.js').ActiveSpeakerDetector} closed
   */
  #replace(endpoint, closed) {
    if (this.#detectors.get(endpoint) !== closed) return
    this.#detectors.delete(endpoint)
    for (const [track, listener] of [...this.#listeners]) {
      if (track.transport.endpoint !== endpoint) continue
      listener(false)
      this.add(track, listener)
    }
  }
}

exports.RoomSpeakers = RoomSpeakers
