import { Emitter } from './emitter.js'
import { Senders } from './senders.js'

/** A connection that is disconnected this long gets new ICE candidates. */
const DISCONNECTED_MS = 2_500
/** An ICE restart that has not helped after this long is followed by a new connection. */
const RESTART_MS = 8_000

/**
 * The one peer connection to the server, with everything in it. The browser is the impolite side
 * of perfect negotiation: when both offer at once, the server gives way and offers again.
 *
 * Events: `stream` (detail: MediaStream), `chat` (detail: the message), `state`, `broken` when only
 * a new connection helps.
 */
export class SfuConnection extends Emitter {
  peerConnection
  /** @type {RTCDataChannel} */
  #chat
  #senders
  #signaling
  #number
  /** Steps run one after the other: each changes the signaling state. */
  #queue = Promise.resolve()
  #lastId = 0
  #closed = false
  /** @type {{ id: number, sdp: string } | null} */
  #openOffer = null
  /** @type {{ id: number, sdp: string } | null} */
  #lastAnswer = null
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  /** @type {RTCDtlsTransport | null} */
  #dtls = null

  /**
   * @param {object} options
   * @param {import('./signaling.js').Signaling} options.signaling
   * @param {number} options.connection the number the server gave this connection
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {import('./index.js').PublishOptions} options.publish
   * @param {import('./senders.js').MaySend} options.maySend
   */
  constructor({ signaling, connection, media, encryption, publish, maySend }) {
    super()
    this.#signaling = signaling
    this.#number = connection
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    this.peerConnection = peer
    peer.onnegotiationneeded = () => this.#run(() => this.#offer())
    peer.onicecandidate = ({ candidate }) => {
      if (candidate) this.#send({ type: 'candidate', candidate: candidate.toJSON() })
    }
    peer.onconnectionstatechange = () => this.#watch()
    peer.ontrack = ({ streams, receiver }) => {
      encryption?.open(receiver)
      for (const stream of streams) this.emit('stream', stream)
    }
    this.#chat = peer.createDataChannel('chat')
    this.#chat.onmessage = ({ data }) => this.emit('chat', JSON.parse(data))
    this.#senders = new Senders(peer, { media, layered: true, encryption, publish, maySend })
  }

  get state() {
    return this.#dtls?.state === 'closed' ? 'failed' : this.peerConnection.connectionState
  }

  get peerConnections() {
    return [this.peerConnection]
  }

  sync() {
    this.#senders.sync()
  }

  /** @param {string} text @returns {boolean} whether it could be sent */
  sendChat(text) {
    if (this.#chat.readyState !== 'open') return false
    this.#chat.send(JSON.stringify({ text }))
    return true
  }

  /** @param {any} message */
  handle(message) {
    if (message.connection !== this.#number) return
    if (message.type === 'offer') this.#run(() => this.#acceptOffer(message))
    if (message.type === 'answer') this.#run(() => this.#acceptAnswer(message))
    if (message.type === 'demand') this.#senders.setDemand(message.mid, message.encodings)
  }

  /** The signaling came back. What was open is sent again under its old id, which the server may know. */
  resume() {
    this.#run(async () => {
      if (this.#openOffer) this.#send({ type: 'offer', ...this.#openOffer })
    })
    if (this.state !== 'connected') this.#restart()
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    const peer = this.peerConnection
    peer.onnegotiationneeded = peer.onicecandidate = peer.onconnectionstatechange = peer.ontrack = null
    if (this.#dtls) this.#dtls.onstatechange = null
    peer.close()
  }

  async #offer() {
    const peer = this.peerConnection
    // The browser asks again once it is stable.
    if (peer.signalingState !== 'stable') return
    await peer.setLocalDescription()
    this.#openOffer = { id: ++this.#lastId, sdp: /** @type {RTCSessionDescription} */ (peer.localDescription).sdp }
    this.#send({ type: 'offer', ...this.#openOffer })
  }

  /** @param {{ id: number, sdp: string }} offer */
  async #acceptOffer({ id, sdp }) {
    const peer = this.peerConnection
    if (this.#lastAnswer?.id !== id) {
      // Both offered at once: the server will drop its offer for this side's, and offer again.
      if (peer.signalingState !== 'stable') return
      await peer.setRemoteDescription({ type: 'offer', sdp })
      await peer.setLocalDescription()
      this.#lastAnswer = { id, sdp: /** @type {RTCSessionDescription} */ (peer.localDescription).sdp }
    }
    this.#send({ type: 'answer', ...this.#lastAnswer })
  }

  /** @param {{ id: number, sdp: string }} answer */
  async #acceptAnswer({ id, sdp }) {
    if (this.#openOffer?.id !== id) return
    await this.peerConnection.setRemoteDescription({ type: 'answer', sdp })
    this.#openOffer = null
    this.#watchDtls()
  }

  /**
   * A server that closes the connection says so by a close_notify alert (RFC 5246 7.2.1), and browsers
   * show that of the DTLS transport at once. Of the whole connection they show it when ICE has noticed
   * that nobody answers, many seconds later.
   */
  #watchDtls() {
    const dtls = this.peerConnection.sctp?.transport ?? null
    if (!dtls || dtls === this.#dtls) return
    this.#dtls = dtls
    dtls.onstatechange = () => {
      if (dtls.state !== 'closed' || this.#closed) return
      this.emit('state')
      this.emit('broken')
    }
  }

  #watch() {
    this.emit('state')
    clearTimeout(this.#timer)
    if (this.state === 'disconnected') this.#timer = setTimeout(() => this.#restart(), DISCONNECTED_MS)
    if (this.state === 'failed') this.#restart()
  }

  #restart() {
    if (!this.#signaling.open) return
    clearTimeout(this.#timer)
    this.peerConnection.restartIce()
    this.#timer = setTimeout(() => {
      if (this.state !== 'connected') this.emit('broken')
    }, RESTART_MS)
  }

  /** @param {object} message */
  #send(message) {
    this.#signaling.send({ ...message, connection: this.#number })
  }

  /** @param {() => Promise<void>} step */
  #run(step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return
      try {
        await step()
      } catch (error) {
        // What was under way when the connection was closed fails, as it should.
        if (this.#closed) return
        console.error('Negotiation with the server failed', error)
        this.emit('broken')
      }
    })
  }
}
