import { Emitter } from './emitter.js'

/**
 * `sealed`: it was encrypted with the key of this page. `plain`: it was not encrypted. `locked`: it
 * was encrypted with another key.
 *
 * @typedef {'sealed' | 'plain' | 'locked'} TrackState
 */

/**
 * End-to-end encryption of everything this page sends, and decryption of what it gets: frames go
 * through a worker on their way between codec and network (RTCRtpScriptTransform), so that the
 * server forwards what it cannot read.
 *
 * Event: `change` when the state of a track did.
 */
export class Encryption extends Emitter {
  #worker
  #lastId = 0
  /** @type {Map<number, MediaStreamTrack>} */
  #tracks = new Map()
  /** @type {WeakMap<MediaStreamTrack, TrackState>} */
  #states = new WeakMap()

  /**
   * @param {object} options
   * @param {string} options.passphrase
   * @param {string} options.room
   * @param {string | URL} [options.worker] where `encryption-worker.js` is, when it is not beside this file
   */
  constructor({ passphrase, room, worker }) {
    super()
    // Written so that bundlers find the file.
    this.#worker = worker
      ? new Worker(worker, { type: 'module' })
      : new Worker(new URL('./encryption-worker.js', import.meta.url), { type: 'module' })
    // As the server writes it.
    this.#worker.postMessage({ passphrase, room: room.normalize('NFC') })
    this.#worker.addEventListener('message', ({ data: { id, state } }) => {
      const track = this.#tracks.get(id)
      if (!track) return
      this.#states.set(track, state)
      this.emit('change')
    })
  }

  /** @param {RTCRtpSender} sender */
  seal(sender) {
    sender.transform = this.#transform('seal', ++this.#lastId)
  }

  /** @param {RTCRtpReceiver} receiver */
  open(receiver) {
    // An m-line that is used again brings a track again.
    if (receiver.transform) return
    const id = ++this.#lastId
    this.#tracks.set(id, receiver.track)
    receiver.track.addEventListener('ended', () => this.#tracks.delete(id))
    receiver.transform = this.#transform('open', id)
  }

  /** @param {MediaStream | null} stream @returns {TrackState | null} null while nothing came */
  stateOf(stream) {
    const states = (stream?.getTracks() ?? []).map(track => this.#states.get(track))
    // One track that cannot be read, or is not encrypted, is what the user has to know.
    return WORST_FIRST.find(state => states.includes(state)) ?? null
  }

  close() {
    this.#worker.terminate()
  }

  /** @param {'seal' | 'open'} operation @param {number} id */
  #transform(operation, id) {
    return new RTCRtpScriptTransform(this.#worker, { operation, id })
  }
}

/** @type {TrackState[]} */
const WORST_FIRST = ['locked', 'plain', 'sealed']

/** Whether this browser can do it; pages that did not come over HTTPS have no cryptography. */
export const canEncrypt = 'RTCRtpScriptTransform' in globalThis && globalThis.isSecureContext

/** A passphrase that nobody guesses. */
export function newPassphrase() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '')
}
