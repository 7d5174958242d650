import { Emitter } from './emitter.js'

/** Samples kept for the graphs: one a second. */
const HISTORY = 60
/** Tiles move and grow for a moment before their size is worth telling. */
const VIEW_DELAY_MS = 250

/**
 * @typedef {object} EncodingChoice
 * @property {string[]} encodings what there is to choose from
 * @property {string} selected what was asked for, or `auto`
 * @property {string | null} current what is sent now
 *
 * @typedef {object} Layer what is sent of a stream
 * @property {string | null} rid
 * @property {number} spatial
 * @property {number} temporal
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [frameRate]
 * @property {number} bitrate bits per second
 *
 * @typedef {'best' | 'preferences' | 'bandwidth' | 'unavailable' | 'muted' | 'load'} Reason
 * @typedef {{ layer: Layer | null, reason: Reason }} Forwarded
 *
 * @typedef {object} Step what a stream could be sent as
 * @property {string | null} rid
 * @property {number} spatial
 * @property {number} temporal
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} frameRate
 * @property {number} bitrate
 * @property {boolean} active
 *
 * @typedef {object} Link how good the link from the server is
 * @property {number} available bits per second; 0 when nothing is known
 * @property {number} target
 * @property {number | null} wanted
 * @property {number} fractionLost
 * @property {number} queueDelay milliseconds
 *
 * @typedef {object} StreamFigures
 * @property {{ available: number, sent: number }[]} samples one a second, the newest last
 * @property {Step[]} steps
 *
 * @typedef {{ id: string, width: number, height: number, priority: number }} Shown
 */

/**
 * What comes from the server to this page: what of each stream and why, and how much fits. And
 * what the page says about it: how large it shows things, and how much may come.
 *
 * Events: `change` when layers or encodings changed, `figures` once a second while watched.
 */
export class Downlink extends Emitter {
  /** @type {Link | null} */
  link = null
  /** Bits per second the server was asked to keep to. @type {number | null} */
  limit = null
  /** By stream id. @type {Map<string, EncodingChoice>} */
  encodings = new Map()
  /** By stream id. @type {Map<string, Forwarded>} */
  layers = new Map()
  /** By stream id. @type {Map<string, StreamFigures>} */
  #figures = new Map()
  #send
  /** @type {Shown[]} */
  #shown = []
  #toldShown = '[]'
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #viewTimer
  /** Streams whose figures are looked at, null while none are. @type {string[] | null} */
  #watched = null

  /** @param {(message: object) => void} send */
  constructor(send) {
    super()
    this.#send = send
  }

  /** @param {string} stream @param {string} encoding */
  selectEncoding(stream, encoding) {
    this.#send({ type: 'select-encoding', stream, encoding })
  }

  /** @param {number | null} bitrate bits per second, null for no limit */
  setLimit(bitrate) {
    if (bitrate === this.limit) return
    this.limit = bitrate
    this.#send({ type: 'limit-downlink', bitrate })
  }

  /** How large everything is shown now, in device pixels; 0 where there is no place for it. @param {Shown[]} shown */
  show(shown) {
    this.#shown = shown
    this.#viewTimer ??= setTimeout(() => {
      this.#viewTimer = undefined
      this.#tellShown()
    }, VIEW_DELAY_MS)
  }

  /** @param {string[] | null} streams whose figures are looked at, null for no figures at all */
  watch(streams) {
    if (JSON.stringify(streams) === JSON.stringify(this.#watched)) return
    this.#watched = streams
    for (const id of this.#figures.keys()) if (!streams?.includes(id)) this.#figures.delete(id)
    if (!streams) this.link = null
    this.#send({ type: 'watch-figures', streams })
  }

  /** @param {string} stream @returns {StreamFigures | undefined} */
  figures(stream) {
    return this.#figures.get(stream)
  }

  /** The server is there again, and may have forgotten everything. */
  resume() {
    if (this.limit !== null) this.#send({ type: 'limit-downlink', bitrate: this.limit })
    if (this.#watched) this.#send({ type: 'watch-figures', streams: this.#watched })
    this.#toldShown = '[]'
    this.#tellShown()
  }

  /** Everything comes anew, over another connection. */
  clear() {
    this.link = null
    this.encodings.clear()
    this.layers.clear()
    this.#figures.clear()
  }

  /** @param {string} stream */
  forget(stream) {
    this.encodings.delete(stream)
    this.layers.delete(stream)
    this.#figures.delete(stream)
  }

  close() {
    clearTimeout(this.#viewTimer)
  }

  /** @param {any} message @returns {boolean} whether it was about this */
  handle(message) {
    switch (message.type) {
      case 'encoding':
        this.encodings.set(message.stream, message)
        this.emit('change')
        return true
      case 'layers':
        for (const { id, layer, reason } of message.streams) this.layers.set(id, { layer, reason })
        this.emit('change')
        return true
      case 'figures':
        this.#take(message)
        return true
      default:
        return false
    }
  }

  /** @param {{ link: Link | null, streams: (Forwarded & { id: string, bitrate: number, steps: Step[] })[] }} message */
  #take({ link, streams }) {
    if (!this.#watched) return
    this.link = link
    for (const { id, layer, reason, bitrate, steps } of streams) {
      this.layers.set(id, { layer, reason })
      const samples = this.#figures.get(id)?.samples ?? []
      samples.push({ available: link?.available ?? 0, sent: bitrate })
      if (samples.length > HISTORY) samples.shift()
      this.#figures.set(id, { samples, steps })
    }
    this.emit('figures')
  }

  #tellShown() {
    const shown = JSON.stringify(this.#shown)
    if (shown === this.#toldShown) return
    this.#toldShown = shown
    this.#send({ type: 'view', streams: this.#shown })
  }
}
