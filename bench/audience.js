'use strict'

/**
 * Clients of the load generator (bench/load): what one sends is forwarded to those who hear or see
 * it, as soon as it is there. Groups do not know of each other.
 */
class Audience {
  #createTransport
  /** Transports, and outgoing tracks that wait for a source, by group and client. */
  #transports = new Map()
  #waiting = new Map()

  constructor(createTransport) {
    this.#createTransport = createTransport
  }

  /** @returns {Promise<string>} the answer */
  async join(group, { client, sdp, hears = [], sees = [] }) {
    const transport = this.#createTransport()
    transport.on('error', () => {})
    this.#transports.set(`${group} ${client}`, transport)
    transport.on('track', track => {
      for (const outgoing of this.#waitingFor(group, client, track.kind)) {
        if (!outgoing.closed) outgoing.attachTo(track)
      }
    })
    if (hears.length + sees.length > 0) {
      const stream = transport.createOutgoingStream({ audio: hears.length, video: sees.length })
      hears.forEach((source, index) => this.#want(group, stream.audio[index], source))
      sees.forEach((source, index) => this.#want(group, stream.video[index], source))
    }
    return transport.acceptOffer(sdp)
  }

  /** The transport of a client, `undefined` before it joined. */
  transportOf(group, client) {
    return this.#transports.get(`${group} ${client}`)
  }

  /** Refers to nobody any more. */
  clear() {
    this.#transports.clear()
    this.#waiting.clear()
  }

  #want(group, outgoing, source) {
    this.#waitingFor(group, source, outgoing.kind).push(outgoing)
    const track = this.transportOf(group, source)?.incomingTracks.find(track => track.kind === outgoing.kind)
    if (track) outgoing.attachTo(track)
  }

  #waitingFor(group, client, kind) {
    const key = `${group} ${client} ${kind}`
    if (!this.#waiting.has(key)) this.#waiting.set(key, [])
    return this.#waiting.get(key)
  }
}

module.exports = { Audience }
