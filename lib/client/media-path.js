import { Emitter } from './emitter.js'
import { Mesh } from './mesh.js'
import { SfuConnection } from './sfu-connection.js'

const FIRST_RESET_MS = 500
const LAST_RESET_MS = 10_000

/**
 * How media travels now: over one connection to the server, or over connections to everyone else.
 * What broke for good is made anew, later each time that it did not help.
 *
 * Events: as of {@link SfuConnection}, but `broken`.
 */
export class MediaPath extends Emitter {
  /** @type {SfuConnection | Mesh | null} */
  #connection = null
  #signaling
  #options
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resetTimer
  #resets = 0

  /**
   * @param {object} options
   * @param {import('./signaling.js').Signaling} options.signaling
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {import('./index.js').PublishOptions} options.publish
   * @param {import('./senders.js').MaySend} options.maySend
   */
  constructor({ signaling, ...options }) {
    super()
    this.#signaling = signaling
    this.#options = { signaling, ...options }
  }

  get state() {
    return this.#connection?.state ?? 'new'
  }

  get peerConnections() {
    return this.#connection?.peerConnections ?? []
  }

  /** Whether there is a connection to the server that can go on. */
  get isToServer() {
    return this.#connection instanceof SfuConnection
  }

  get exists() {
    return this.#connection !== null
  }

  /**
   * To the server, and everything anew.
   * @param {number} connection the number that the server gave it
   */
  connect(connection) {
    this.#replace(new SfuConnection({ ...this.#options, connection }))
  }

  /**
   * To everyone else, and everything anew.
   * @param {{ epoch: number, own: string, iceServers: RTCIceServer[], others: Iterable<string> }} options
   */
  connectDirectly({ others, ...options }) {
    this.#replace(new Mesh({ ...this.#options, ...options }))
    for (const id of others) this.meet(id)
  }

  /** Someone is there. @param {string} id */
  meet(id) {
    if (this.#connection instanceof Mesh) this.#connection.add(id)
  }

  /** Someone is gone. @param {string} id */
  part(id) {
    if (this.#connection instanceof Mesh) this.#connection.remove(id)
  }

  /** The signaling came back. */
  resume() {
    this.#connection?.resume()
  }

  /** What may be sent, or what there is to send, changed. */
  sync() {
    this.#connection?.sync()
  }

  /** @param {any} message */
  handle(message) {
    this.#connection?.handle(message)
  }

  /** @param {string} text @returns {boolean} whether it was sent */
  sendChat(text) {
    return this.#connection?.sendChat(text) ?? false
  }

  /** Only a new connection to the server helps: asks for one. */
  resetLater() {
    if (!this.isToServer || this.#resetTimer !== undefined) return
    const delay = Math.min(FIRST_RESET_MS * 2 ** this.#resets, LAST_RESET_MS)
    this.#resets += 1
    this.#resetTimer = setTimeout(() => {
      this.#resetTimer = undefined
      this.#signaling.send({ type: 'reset' })
    }, delay)
    this.emit('state')
  }

  close() {
    clearTimeout(this.#resetTimer)
    this.#resetTimer = undefined
    this.#connection?.close()
    this.#connection = null
  }

  /** @param {SfuConnection | Mesh} connection */
  #replace(connection) {
    this.close()
    this.#connection = connection
    connection.on('stream', stream => this.emit('stream', stream))
    connection.on('chat', line => this.emit('chat', line))
    connection.on('broken', () => this.resetLater())
    connection.on('state', () => {
      if (connection.state === 'connected') this.#resets = 0
      this.emit('state')
    })
  }
}
