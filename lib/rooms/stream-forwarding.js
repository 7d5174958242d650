'use strict'

/**
 * @typedef {object} Forward
 * @property {import('../../index.js').OutgoingStream} stream
 * @property {(track: import('./index.js').PublishedTrack) => void} onTrack
 * @property {(track: import('./index.js').PublishedTrack) => void} onTrackClosed
 */

/**
 * Sends every publication of the others as a stream of its own. New ones need negotiation, which
 * the transport asks for by `negotiationneeded`.
 */
class StreamForwarding {
  /** @type {Map<import('./index.js').Publication, Forward>} */
  #forwards = new Map()
  /** @type {Map<import('./index.js').PublishedTrack, import('../../index.js').OutgoingTrack>} */
  #tracks = new Map()
  #participant
  #transport

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('../../index.js').Transport} transport
   */
  constructor(participant, transport) {
    this.#participant = participant
    this.#transport = transport
  }

  /** @param {import('./index.js').Publication} publication */
  add(publication) {
    if (this.#forwards.has(publication) || this.#transport.closed) return
    let stream
    try {
      stream = this.#transport.createOutgoingStream({ id: publication.id })
    } catch (error) {
      // One receiver at its limit must not keep the others from getting the publication.
      this.#fail(publication, null, error)
      return
    }
    /** @type {Forward} */
    const forward = {
      stream,
      onTrack: track => this.#addTrack(publication, stream, track),
      onTrackClosed: track => this.#removeTrack(track)
    }
    this.#forwards.set(publication, forward)
    publication.on('track', forward.onTrack)
    publication.on('trackclosed', forward.onTrackClosed)
    for (const track of publication.tracks) forward.onTrack(track)
  }

  /** @param {import('./index.js').Publication} publication */
  remove(publication) {
    const forward = this.#forwards.get(publication)
    if (!forward) return
    this.#forwards.delete(publication)
    publication.off('track', forward.onTrack)
    publication.off('trackclosed', forward.onTrackClosed)
    for (const track of publication.tracks) this.#tracks.delete(track)
    if (!forward.stream.closed) forward.stream.close()
  }

  /** Every publication was told of on its own. */
  left() {}

  close() {
    for (const publication of [...this.#forwards.keys()]) this.remove(publication)
  }

  /**
   * @param {import('./index.js').Publication} publication
   * @param {import('../../index.js').OutgoingStream} stream
   * @param {import('./index.js').PublishedTrack} track
   */
  #addTrack(publication, stream, track) {
    if (stream.closed || track.closed || this.#tracks.has(track)) return
    try {
      const outgoing = stream.addTrack(track.kind)
      this.#tracks.set(track, outgoing)
      const transponder = outgoing.attachTo(track)
      transponder.on('error', error => this.#fail(publication, track, error))
      this.#participant.emit('forwarding', publication, transponder)
    } catch (error) {
      this.#fail(publication, track, error)
    }
  }

  /** @param {import('./index.js').PublishedTrack} track */
  #removeTrack(track) {
    const outgoing = this.#tracks.get(track)
    this.#tracks.delete(track)
    if (outgoing && !outgoing.closed) outgoing.close()
  }

  /**
   * @param {import('./index.js').Publication} publication
   * @param {import('./index.js').PublishedTrack | null} track
   * @param {unknown} error
   */
  #fail(publication, track, error) {
    this.#participant.emit('forwardingfailed', publication, track, /** @type {Error} */ (error))
  }
}

exports.StreamForwarding = StreamForwarding
