'use strict'

/** The id of the stream that brings the mix. Publications have longer ones. */
const MIX_ID = 'mix'

/**
 * Sends a participant the mix of the room: the picture of everyone, and the sound of everyone else.
 *
 * With negotiation it is a stream of its own, named `mix`; on places, the first audio and the first
 * video m-line.
 */
class MixForwarding {
  #participant
  #mixing
  #exceptName
  /** Where a stream can be made, `null` on places. @type {import('../../index.js').Transport | null} */
  #transport
  /** @type {import('../../index.js').OutgoingStream[]} */
  #streams = []
  /** @type {WeakSet<import('../../index.js').Transponder>} */
  #known = new WeakSet()
  #closed = false

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('./room-mixer.js').RoomMixer} mixing
   * @param {{ transport?: import('../../index.js').Transport, exceptName?: string }} options
   *   without a transport it waits for places
   */
  constructor(participant, mixing, { transport, exceptName }) {
    this.#participant = participant
    this.#mixing = mixing
    this.#transport = transport ?? null
    this.#exceptName = exceptName
    mixing.add(this)
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addPlace(stream) {
    this.#streams.push(stream)
    this.update()
  }

  // Publications reach the receiver through the mixer.
  add() {}

  remove() {}

  left() {}

  /** The mixer is there, or the participant has a seat in it, or none any more. */
  update() {
    const { mixer } = this.#mixing
    if (this.#closed || !mixer || mixer.closed) return
    this.#attach('audio', this.#mixing.audioFor(this.#participant, this.#exceptName))
    this.#attach('video', mixer.video)
  }

  /** @param {Error} error */
  fail(error) {
    this.#participant.emit('mixingfailed', error)
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#streams) {
      if (this.#transport) {
        if (!stream.closed) stream.close()
      } else {
        for (const out of stream.tracks) if (!out.closed) out.detach()
      }
    }
    // After that: a mixer that closes first takes its transponders with it.
    this.#mixing.remove(this)
  }

  /**
   * @param {'audio' | 'video'} kind
   * @param {import('../../index.js').MixedTrack | null} track
   */
  #attach(kind, track) {
    if (!track || track.closed || this.#transport?.closed) return
    try {
      const out = this.#out(kind)
      if (!out) return
      const transponder = out.attachTo(track)
      // Attaching again may give the transponder that is known already.
      if (this.#known.has(transponder)) return
      this.#known.add(transponder)
      transponder.on('error', error => this.fail(error))
      this.#participant.emit('mixing', transponder)
    } catch (error) {
      this.fail(/** @type {Error} */ (error))
    }
  }

  /** @param {'audio' | 'video'} kind */
  #out(kind) {
    const out = this.#streams.flatMap(stream => stream.tracks).find(track => track.kind === kind && !track.closed)
    if (out || !this.#transport) return out
    let [stream] = this.#streams
    if (!stream) {
      stream = this.#transport.createOutgoingStream({ id: MIX_ID })
      this.#streams.push(stream)
    }
    return stream.addTrack(kind)
  }
}

exports.MIX_ID = MIX_ID
exports.MixForwarding = MixForwarding
