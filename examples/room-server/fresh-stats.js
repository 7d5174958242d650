/** Milliseconds for which a snapshot is good enough for whoever else asks. */
const FRESH_MS = 900

/**
 * Statistics of transports, taken once a second at most however many viewers look at them.
 */
export class FreshStats {
  /** @type {WeakMap<import('medialoom').Transport | import('medialoom').RtpTransport, { taken: number, stats: Promise<import('medialoom').TransportStats | null> }>} */
  #last = new WeakMap()

  /**
   * @param {import('medialoom').Transport | import('medialoom').RtpTransport | null} transport
   * @returns {Promise<import('medialoom').TransportStats | null>} null when it has closed
   */
  of(transport) {
    if (!transport || transport.closed) return Promise.resolve(null)
    const now = performance.now()
    const last = this.#last.get(transport)
    if (last && now - last.taken < FRESH_MS) return last.stats
    // It may close while they are taken.
    const stats = transport.getStats().catch(() => null)
    this.#last.set(transport, { taken: now, stats })
    return stats
  }
}
