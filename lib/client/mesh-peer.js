import { Emitter } from './emitter.js'
import { Senders } from './senders.js'

/** An offer without an answer is sent again after this long: signaling may have lost it. */
const REPEAT_MS = 4_000
/** Characters of a line, as the server has it. */
const MAX_CHAT_LENGTH = 2000
/** A connection that is disconnected this long gets new ICE candidates, from the impolite side first. */
const DISCONNECTED_MS = { impolite: 2_500, polite: 10_000 }

/**
 * The connection to one other browser. Both run the same code; the polite side gives way when
 * both offer at once (perfect negotiation, as the WebRTC specification describes it).
 *
 * The impolite side makes the first offer, and is the first to restart ICE: a browser that rolls an
 * offer back while it gathers candidates for it may never gather again.
 *
 * Events: `stream` (detail: MediaStream), `chat` (detail: the message), `state`.
 */
export class MeshPeer extends Emitter {
  peerConnection
  #chat
  #senders
  #send
  #polite
  /** Whether this side may offer: the polite one waits for the other's first offer. */
  #started
  #makingOffer = false
  #ignoreOffer = false
  #lastId = 0
  /** Sent again until it is answered. @type {{ id: number, description: RTCSessionDescription | null } | null} */
  #openOffer = null
  /** Sent again when its offer comes again. @type {{ id: number, description: RTCSessionDescription | null } | null} */
  #lastAnswer = null
  #queue = Promise.resolve()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #repeat

  /**
   * @param {object} options
   * @param {boolean} options.polite
   * @param {RTCIceServer[]} options.iceServers
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {import('./index.js').PublishOptions} options.publish
   * @param {import('./senders.js').MaySend} options.maySend
   * @param {(signal: { id?: number, description?: RTCSessionDescription | null, candidate?: RTCIceCandidate | null }) => void} options.send
   */
  constructor({ polite, iceServers, media, encryption, publish, maySend, send }) {
    super()
    this.#polite = polite
    this.#started = !polite
    this.#send = send
    const peer = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' })
    this.peerConnection = peer
    peer.onnegotiationneeded = () => this.#offer()
    peer.onicecandidate = ({ candidate }) => send({ candidate })
    peer.onconnectionstatechange = () => this.#watch()
    peer.ontrack = ({ streams, receiver }) => {
      encryption?.open(receiver)
      for (const stream of streams) this.emit('stream', stream)
    }
    this.#chat = peer.createDataChannel('chat', { negotiated: true, id: 0 })
    this.#chat.onmessage = ({ data }) => {
      const line = readLine(data)
      if (line) this.emit('chat', line)
    }
    this.#senders = new Senders(peer, { media, layered: false, encryption, publish, maySend })
    this.#repeat = setInterval(() => {
      if (this.#openOffer && peer.signalingState === 'have-local-offer') send(this.#openOffer)
    }, REPEAT_MS)
  }

  get state() {
    return this.peerConnection.connectionState
  }

  sync() {
    this.#senders.sync()
  }

  /** @param {string} text */
  sendChat(text) {
    if (this.#chat.readyState !== 'open') return false
    this.#chat.send(JSON.stringify({ text, time: Date.now() }))
    return true
  }

  /** @param {{ id?: number, description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit | null }} signal */
  handle(signal) {
    this.#queue = this.#queue.then(async () => {
      try {
        if (signal.description) await this.#accept(signal.description, signal.id ?? 0)
        else if (signal.candidate !== undefined) await this.#addCandidate(signal.candidate)
      } catch (error) {
        if (this.peerConnection.signalingState !== 'closed') console.error('Negotiation with a participant failed', error)
      }
    })
  }

  /** What may pass between the two changed, which the server sees to in descriptions. */
  renegotiate() {
    // Nothing that this side sends has changed, so that the browser needs a reason. Before the first offer there is nothing to change.
    if (this.#started) this.peerConnection.restartIce()
  }

  resume() {
    if (this.state !== 'connected' && !this.#polite) this.peerConnection.restartIce()
  }

  close() {
    clearTimeout(this.#timer)
    clearInterval(this.#repeat)
    const peer = this.peerConnection
    peer.onnegotiationneeded = peer.onicecandidate = peer.onconnectionstatechange = peer.ontrack = null
    peer.close()
  }

  async #offer() {
    const peer = this.peerConnection
    // The browser asks again when the first negotiation is done.
    if (!this.#started) return
    try {
      this.#makingOffer = true
      await peer.setLocalDescription()
      this.#openOffer = { id: ++this.#lastId, description: peer.localDescription }
      this.#send(this.#openOffer)
    } catch (error) {
      if (peer.signalingState !== 'closed') console.error('No offer could be made', error)
    } finally {
      this.#makingOffer = false
    }
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {number} id of the offer, whichever side made it
   */
  async #accept(description, id) {
    const peer = this.peerConnection
    if (description.type === 'answer') {
      // An answer that was repeated, or to an offer that gave way.
      if (this.#openOffer?.id !== id || peer.signalingState !== 'have-local-offer') return
      await peer.setRemoteDescription(description)
      this.#openOffer = null
      return
    }
    if (this.#lastAnswer?.id === id) {
      this.#send(this.#lastAnswer)
      return
    }
    const collision = this.#makingOffer || peer.signalingState !== 'stable'
    this.#ignoreOffer = collision && !this.#polite
    if (this.#ignoreOffer) return
    this.#openOffer = null
    this.#started = true
    await peer.setRemoteDescription(description)
    await peer.setLocalDescription()
    this.#lastAnswer = { id, description: peer.localDescription }
    this.#send(this.#lastAnswer)
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  async #addCandidate(candidate) {
    try {
      await this.peerConnection.addIceCandidate(candidate ?? undefined)
    } catch (error) {
      // Candidates of an offer that was ignored fit nothing.
      if (!this.#ignoreOffer) throw error
    }
  }

  #watch() {
    this.emit('state')
    clearTimeout(this.#timer)
    if (this.state !== 'disconnected' && this.state !== 'failed') return
    const patience = this.#polite ? DISCONNECTED_MS.polite : this.state === 'failed' ? 0 : DISCONNECTED_MS.impolite
    this.#timer = setTimeout(() => this.peerConnection.restartIce(), patience)
  }
}

/**
 * A line of the other browser's, which may run another program: who said it is not for it to say.
 * @param {unknown} data
 * @returns {{ text: string, time: number } | null}
 */
function readLine(data) {
  try {
    const { text, time } = JSON.parse(String(data))
    if (typeof text !== 'string' || text.length > MAX_CHAT_LENGTH) return null
    return { text, time: Number.isFinite(time) ? time : Date.now() }
  } catch {
    return null
  }
}
