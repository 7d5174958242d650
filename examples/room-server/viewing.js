import { TokenBucket } from './token-bucket.js'

/** Pixels of a side where a picture is wanted but nobody looks: the smallest encoding there is. */
const TINY = 1

/**
 * @typedef {import('medialoom').Transponder} Transponder
 * @typedef {{ id: string, width: number, height: number, priority: number }} Shown
 */

/**
 * What one viewer said of how it shows what it gets: how large each picture is, which one matters
 * most, and how much its downlink may take. The engine chooses layers within that.
 *
 * It outlives the viewer's transports: what was said holds for the next one.
 */
export class Viewing {
  /** By stream id. @type {Map<string, Shown>} */
  #shown = new Map()
  /** Bits per second. @type {number | null} */
  #maxBitrate = null
  #changes

  /** @param {import('./limits.js').Limits} limits */
  constructor(limits) {
    this.#changes = new TokenBucket({ perSecond: limits.viewsPerSecond, burst: limits.viewBurst })
  }

  /** Bits per second, `null` without a limit. */
  get maxBitrate() {
    return this.#maxBitrate
  }

  /** @returns {boolean} whether the viewer may change something now */
  take() {
    return this.#changes.take()
  }

  /**
   * Replaces what was said before. Streams that are not named are shown as large as they come.
   * @param {Shown[]} streams
   * @param {import('medialoom').Transport | null} transport
   */
  show(streams, transport) {
    this.#shown = new Map(streams.map(stream => [stream.id, stream]))
    for (const track of transport?.outgoingTracks ?? []) {
      if (track.transponder) this.apply(track.stream.id, track.transponder)
    }
  }

  /**
   * @param {number | null} bitrate
   * @param {import('medialoom').Transport | null} transport
   */
  limit(bitrate, transport) {
    this.#maxBitrate = bitrate
    if (transport && !transport.closed) transport.setMaxBitrate(bitrate)
  }

  /** @param {string} stream @param {Transponder} transponder */
  apply(stream, transponder) {
    if (transponder.closed || transponder.incomingTrack?.kind !== 'video') return
    const shown = this.#shown.get(stream)
    // Without a size there is no place for the picture on the viewer's page.
    transponder.mute(shown !== undefined && (shown.width === 0 || shown.height === 0))
    const { maxWidth, maxHeight, priority = 1 } = transponder.preferences ?? {}
    const wanted = shown && { maxWidth: Math.max(shown.width, TINY), maxHeight: Math.max(shown.height, TINY), priority: shown.priority }
    if (maxWidth === wanted?.maxWidth && maxHeight === wanted?.maxHeight && priority === (wanted?.priority ?? 1)) return
    transponder.setPreferences(wanted ?? {})
  }
}
