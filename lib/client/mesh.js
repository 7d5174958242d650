import { Emitter } from './emitter.js'
import { MeshPeer } from './mesh-peer.js'

/**
 * Connections to every other member of the room, without the server: two are a 1-to-1 call, more
 * are a mesh.
 *
 * Events: as of {@link import('./sfu-connection.js').SfuConnection}.
 */
export class Mesh extends Emitter {
  /** By participant id. @type {Map<string, MeshPeer>} */
  #peers = new Map()
  #signaling
  #epoch
  #own
  #peerOptions

  /**
   * @param {object} options
   * @param {import('./signaling.js').Signaling} options.signaling
   * @param {number} options.epoch
   * @param {string} options.own this participant's id
   * @param {RTCIceServer[]} options.iceServers
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {import('./index.js').PublishOptions} options.publish
   * @param {import('./senders.js').MaySend} options.maySend
   */
  constructor({ signaling, epoch, own, ...peerOptions }) {
    super()
    this.#signaling = signaling
    this.#epoch = epoch
    this.#own = own
    this.#peerOptions = peerOptions
  }

  get state() {
    const states = [...this.#peers.values()].map(peer => peer.state)
    if (states.length === 0 || states.every(state => state === 'connected')) return 'connected'
    return states.find(state => state === 'failed' || state === 'disconnected') ?? 'connecting'
  }

  get peerConnections() {
    return [...this.#peers.values()].map(peer => peer.peerConnection)
  }

  /** @param {string} id */
  peer(id) {
    return this.#peers.get(id)
  }

  /** @param {string} id */
  add(id) {
    if (id === this.#own || this.#peers.has(id)) return
    const peer = new MeshPeer({
      // Both sides compare the same two ids, so exactly one of them is polite.
      polite: this.#own < id,
      ...this.#peerOptions,
      send: signal => this.#signaling.send({ type: 'signal', epoch: this.#epoch, to: id, ...signal })
    })
    this.#peers.set(id, peer)
    peer.on('stream', stream => this.emit('stream', stream))
    peer.on('chat', line => this.emit('chat', { ...line, from: id }))
    peer.on('state', () => this.emit('state'))
  }

  /** @param {string} id */
  remove(id) {
    this.#peers.get(id)?.close()
    this.#peers.delete(id)
    this.emit('state')
  }

  sync() {
    for (const peer of this.#peers.values()) peer.sync()
  }

  /** @param {string} text @returns {boolean} whether it could be sent to everyone */
  sendChat(text) {
    return [...this.#peers.values()].map(peer => peer.sendChat(text)).every(Boolean)
  }

  /** @param {{ type: string, epoch?: number, from?: string, participant?: string, id?: number, description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit }} message */
  handle(message) {
    if (message.epoch !== this.#epoch) return
    if (message.type === 'renegotiate') this.#peers.get(message.participant ?? '')?.renegotiate()
    if (message.type === 'signal') this.#peers.get(message.from ?? '')?.handle(message)
  }

  resume() {
    for (const peer of this.#peers.values()) peer.resume()
  }

  close() {
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
  }
}
