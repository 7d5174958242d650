import { FreshStats } from './fresh-stats.js'

/** Steps of one stream that are told: eight encodings of four temporal layers are more than anyone sends. */
const MAX_STEPS = 32
/** Changes of layers are told together: when the link changes, many change at once. */
const LAYERS_DELAY_MS = 200

/** Shared by everyone: a publisher has many viewers. */
const fresh = new FreshStats()

/**
 * What one viewer is told of its link and of the layers it gets: changes of layers always, so that
 * its page can say why a picture stands still; everything else once a second while it watches.
 */
export class Figures {
  #participant
  #viewing
  #send
  #interval
  /** Streams of which the viewer wants to know all. @type {Set<string>} */
  #watched = new Set()
  /** @type {NodeJS.Timeout | null} */
  #timer = null
  /** @type {import('medialoom').BandwidthReport | null} */
  #link = null
  /** @type {import('medialoom').Transport | null} */
  #listening = null
  /** Streams whose layers changed and were not told of yet. @type {Set<string>} */
  #changed = new Set()
  /** @type {NodeJS.Timeout | null} */
  #changeTimer = null

  /**
   * @param {object} options
   * @param {import('medialoom/rooms').Participant} options.participant
   * @param {import('./viewing.js').Viewing} options.viewing
   * @param {import('./limits.js').Limits} options.limits
   * @param {(message: object) => void} options.send
   */
  constructor({ participant, viewing, limits, send }) {
    this.#participant = participant
    this.#viewing = viewing
    this.#send = send
    this.#interval = limits.figuresInterval
  }

  /** @param {string[] | null} streams null: no more of it */
  watch(streams) {
    this.#watched = new Set(streams ?? [])
    if (!streams) return this.#stop()
    if (this.#timer) return
    this.#timer = setInterval(() => void this.#tell(), this.#interval)
    this.#timer.unref()
    this.#listen()
  }

  /** Nobody is there to be told. */
  pause() {
    this.#stop()
    if (this.#changeTimer) clearTimeout(this.#changeTimer)
    this.#changeTimer = null
    this.#changed.clear()
  }

  /** The layers of this stream changed, or the reason for them. @param {string} stream */
  layerChanged(stream) {
    this.#changed.add(stream)
    if (this.#changeTimer) return
    this.#changeTimer = setTimeout(() => this.#tellLayers(), LAYERS_DELAY_MS)
    this.#changeTimer.unref()
  }

  /** Tells the layers of everything, to a client that came back. */
  tellAllLayers() {
    for (const track of videoTracks(this.#participant.transport)) this.layerChanged(track.stream.id)
  }

  #tellLayers() {
    this.#changeTimer = null
    const streams = videoTracks(this.#participant.transport)
      .filter(track => this.#changed.has(track.stream.id))
      .map(track => layerOf(track))
    this.#changed.clear()
    if (streams.length > 0) this.#send({ type: 'layers', streams })
  }

  #stop() {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.#listening?.off('bandwidth', this.#onBandwidth)
    this.#listening = null
    this.#link = null
  }

  /** The engine reports of links only while someone listens; a participant gets a new one now and then. */
  #listen() {
    const { transport } = this.#participant
    if (transport === this.#listening) return
    this.#listening?.off('bandwidth', this.#onBandwidth)
    this.#link = null
    this.#listening = transport
    transport?.on('bandwidth', this.#onBandwidth)
  }

  #onBandwidth = (/** @type {import('medialoom').BandwidthReport} */ report) => {
    this.#link = report
  }

  async #tell() {
    this.#listen()
    const { transport } = this.#participant
    const tracks = videoTracks(transport).filter(track => this.#watched.has(track.stream.id))
    const sources = new Set(tracks.flatMap(track => transportOf(track.transponder?.incomingTrack)))
    const [own, ...theirs] = await Promise.all([fresh.of(transport), ...[...sources].map(source => fresh.of(source))])
    // The viewer went while the figures were taken.
    if (!this.#timer || transport !== this.#participant.transport) return
    const incoming = new Map(theirs.flatMap(stats => stats?.incomingTracks ?? []).map(track => [track.id, track]))
    this.#send({
      type: 'figures',
      link: this.#link,
      limit: this.#viewing.maxBitrate,
      streams: tracks.map(track => ({
        ...layerOf(track),
        bitrate: own?.outgoingTracks.find(each => each.id === track.id)?.bitrate ?? 0,
        steps: stepsOf(incoming.get(track.transponder?.incomingTrack?.id ?? 0))
      }))
    })
  }
}

/** A mix comes from no transport. @param {import('medialoom').SourceTrack | null | undefined} track */
function transportOf(track) {
  return track && 'transport' in track ? [track.transport] : []
}

/** @param {import('medialoom').Transport | null} transport */
function videoTracks(transport) {
  return (transport?.outgoingTracks ?? []).filter(track => track.kind === 'video' && track.transponder)
}

/** @param {import('medialoom').OutgoingTrack} track */
function layerOf({ stream, transponder }) {
  return { id: stream.id, layer: transponder?.currentLayer ?? null, reason: transponder?.layerReason ?? 'unavailable' }
}

/**
 * What the source could be sent as: the layers of each encoding, or the encoding where its packets
 * tell no layers apart.
 * @param {import('medialoom').IncomingTrackStats | null | undefined} track
 */
function stepsOf(track) {
  const steps = (track?.encodings ?? []).flatMap(({ rid, active, bitrate, framesPerSecond, frameWidth, frameHeight, layers }) =>
    (layers?.length ? layers : [{ spatial: 0, temporal: 0, bitrate, framesPerSecond, frameWidth, frameHeight }]).map(layer => ({
      rid,
      spatial: layer.spatial,
      temporal: layer.temporal,
      bitrate: layer.bitrate,
      frameRate: layer.framesPerSecond ?? null,
      width: layer.frameWidth ?? frameWidth ?? null,
      height: layer.frameHeight ?? frameHeight ?? null,
      active
    }))
  )
  return steps.slice(0, MAX_STEPS)
}
