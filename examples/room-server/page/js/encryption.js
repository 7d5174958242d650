import { tokenOfAddress } from './token.js'

/**
 * `sealed`: it was encrypted with the key of this page. `plain`: it was not encrypted. `locked`: it
 * was encrypted with another key.
 *
 * @typedef {'sealed' | 'plain' | 'locked'} TrackState
 */

/**
 * End-to-end encryption of everything this page sends, and decryption of what it gets: frames go
 * through a worker on their way between codec and network (RTCRtpScriptTransform), so that the
 * server forwards what it cannot read. The passphrase stays in the part of the address that is never
 * sent to a server.
 *
 * Event: `change` when the state of a track did.
 */
export class Encryption extends EventTarget {
  #worker
  #lastId = 0
  /** @type {Map<number, MediaStreamTrack>} */
  #tracks = new Map()
  /** @type {WeakMap<MediaStreamTrack, TrackState>} */
  #states = new WeakMap()

  /** @param {{ passphrase: string, room: string }} options */
  constructor({ passphrase, room }) {
    super()
    this.#worker = new Worker(new URL('./encryption-worker.js', import.meta.url), { type: 'module' })
    // As the server writes it.
    this.#worker.postMessage({ passphrase, room: room.normalize('NFC') })
    this.#worker.addEventListener('message', ({ data: { id, state } }) => {
      const track = this.#tracks.get(id)
      if (!track) return
      this.#states.set(track, state)
      this.dispatchEvent(new Event('change'))
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
export const canEncrypt = 'RTCRtpScriptTransform' in globalThis && isSecureContext

/** The passphrase in the page's address, if there is one: `#key=…`. */
export function passphraseOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).get('key') || null
}

/**
 * The part of the address that carries a passphrase, and the token that one came with: the page can be
 * loaded again.
 * @param {string | null} passphrase
 */
export function fragmentOf(passphrase) {
  const token = tokenOfAddress()
  const fragment = new URLSearchParams({ ...(token && { token }), ...(passphrase && { key: passphrase }) }).toString()
  return fragment && `#${fragment}`
}

/** A passphrase that nobody guesses. */
export function newPassphrase() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
}
