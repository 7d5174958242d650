/** Bitrates kept for the little curve: one a second. */
const HISTORY = 40
const SHORTEST_MS = 200

/**
 * @typedef {object} TrackFigures
 * @property {'audio' | 'video'} kind
 * @property {boolean} sent whether this side sends it
 * @property {number} bitrate bits per second
 * @property {number} packetsLost in total, as the receiver counts
 * @property {number} loss fraction lost since the last sample, 0 to 1
 * @property {string} [codec]
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [framesPerSecond]
 * @property {number} [framesDecoded]
 * @property {number} [audioLevel] 0 to 1
 * @property {number} [jitter] seconds
 * @property {number} [roundTripTime] seconds
 * @property {{ rid: string, active: boolean, bitrate: number, width?: number, height?: number }[]} [encodings]
 */

/** Reads the figures of every track of some peer connections, once a second or so. */
export class Statistics {
  /** Bytes and packets of the last sample. @type {Map<string, { time: number, bytes: number, packets: number, lost: number, rates: { bitrate: number, loss: number } }>} */
  #last = new Map()
  /** Bits per second by track id. @type {Map<string, number[]>} */
  #history = new Map()

  /**
   * @param {RTCPeerConnection[]} connections
   * @returns {Promise<Map<string, TrackFigures>>} by track id
   */
  async sample(connections) {
    /** @type {Map<string, TrackFigures>} */
    const figures = new Map()
    const reports = await Promise.all(connections.map(connection => connection.getStats()))
    reports.forEach((report, index) => {
      report.forEach(stat => {
        if (stat.type === 'inbound-rtp') this.#inbound(`${index}`, report, stat, figures)
        if (stat.type === 'outbound-rtp') this.#outbound(`${index}`, sentTrack(connections[index], report, stat), report, stat, figures)
      })
    })
    for (const [trackId, { bitrate }] of figures) {
      const history = this.#history.get(trackId) ?? []
      history.push(bitrate)
      if (history.length > HISTORY) history.shift()
      this.#history.set(trackId, history)
    }
    for (const trackId of this.#history.keys()) if (!figures.has(trackId)) this.#history.delete(trackId)
    return figures
  }

  /** @param {string} trackId */
  history(trackId) {
    return this.#history.get(trackId) ?? []
  }

  /**
   * @param {string} scope @param {RTCStatsReport} report @param {any} stat
   * @param {Map<string, TrackFigures>} figures
   */
  #inbound(scope, report, stat, figures) {
    const rates = this.#rates(`${scope}/${stat.id}`, stat.timestamp, stat.bytesReceived, stat.packetsReceived, stat.packetsLost)
    figures.set(stat.trackIdentifier, {
      kind: stat.kind,
      sent: false,
      ...rates,
      packetsLost: stat.packetsLost,
      codec: codecName(report, stat),
      width: stat.frameWidth,
      height: stat.frameHeight,
      framesPerSecond: stat.framesPerSecond,
      framesDecoded: stat.framesDecoded,
      audioLevel: stat.audioLevel,
      jitter: stat.jitter,
      roundTripTime: pairRoundTripTime(report)
    })
  }

  /**
   * @param {string} scope @param {string | undefined} trackId @param {RTCStatsReport} report @param {any} stat
   * @param {Map<string, TrackFigures>} figures
   */
  #outbound(scope, trackId, report, stat, figures) {
    if (!trackId) return
    const remote = report.get(stat.remoteId)
    const { bitrate } = this.#rates(`${scope}/${stat.id}`, stat.timestamp, stat.bytesSent, stat.packetsSent, 0)
    // In a mesh, and in a simulcast, one track goes out several times.
    const known = figures.get(trackId)
    const larger = (known?.width ?? 0) > (stat.frameWidth ?? 0) ? known : stat
    const active = stat.active !== false
    const isEncoding = stat.rid && (!active || stat.frameWidth)
    figures.set(trackId, {
      kind: stat.kind,
      sent: true,
      bitrate: (known?.bitrate ?? 0) + bitrate,
      packetsLost: (known?.packetsLost ?? 0) + (remote?.packetsLost ?? 0),
      loss: Math.max(known?.loss ?? 0, remote?.fractionLost ?? 0),
      codec: codecName(report, stat),
      width: larger.frameWidth ?? larger.width,
      height: larger.frameHeight ?? larger.height,
      framesPerSecond: larger.framesPerSecond,
      roundTripTime: remote?.roundTripTime ?? pairRoundTripTime(report),
      encodings: [
        ...(known?.encodings ?? []),
        ...(isEncoding ? [{ rid: stat.rid, active, bitrate, width: stat.frameWidth, height: stat.frameHeight }] : [])
      ]
    })
  }

  /** @param {string} id @param {number} time @param {number} bytes @param {number} packets @param {number} lost */
  #rates(id, time, bytes = 0, packets = 0, lost = 0) {
    const last = this.#last.get(id)
    // Browsers answer from a cache; two samples in a moment tell no rate.
    if (last && time - last.time < SHORTEST_MS) return last.rates
    const newlyLost = Math.max(0, lost - (last?.lost ?? lost))
    const expected = packets - (last?.packets ?? packets) + newlyLost
    const rates = {
      bitrate: last ? Math.max(0, (8000 * (bytes - last.bytes)) / (time - last.time)) : 0,
      loss: expected > 0 ? newlyLost / expected : 0
    }
    this.#last.set(id, { time, bytes, packets, lost, rates })
    return rates
  }
}

/**
 * The track that an outbound stream sends. Firefox gives its streams no source, but the m-line's name.
 * @param {RTCPeerConnection} connection @param {RTCStatsReport} report @param {any} stat
 * @returns {string | undefined}
 */
function sentTrack(connection, report, stat) {
  if (stat.mediaSourceId) return report.get(stat.mediaSourceId)?.trackIdentifier
  return connection.getTransceivers().find(({ mid }) => mid !== null && mid === stat.mid)?.sender.track?.id
}

/** @param {RTCStatsReport} report @param {any} stat */
function codecName(report, stat) {
  return report.get(stat.codecId)?.mimeType?.split('/')[1]
}

/** @param {RTCStatsReport} report */
function pairRoundTripTime(report) {
  /** @type {number | undefined} */
  let time
  report.forEach(stat => {
    if (stat.type === 'candidate-pair' && stat.nominated) time = stat.currentRoundTripTime ?? time
  })
  return time
}
