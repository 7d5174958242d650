'use strict'

const { EventEmitter } = require('node:events')

/**
 * One incoming stream of a participant, as the room offers it to the others.
 *
 * Its id is the stream id the others see. It is made here rather than taken from the publisher's
 * MSID, because two publishers may choose the same one and some give none.
 *
 * @extends {EventEmitter<import('./index.js').PublicationEvents>}
 */
class Publication extends EventEmitter {
  /** @type {Set<import('../../index.js').IncomingTrack>} */
  #tracks = new Set()

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('../../index.js').IncomingStream} stream
   * @param {string} id
   */
  constructor(participant, stream, id) {
    super()
    // Every receiver in the room listens to every publication.
    this.setMaxListeners(0)
    this.participant = participant
    this.stream = stream
    this.id = id
    this.speech = true
    /** @type {unknown} */
    this.appData = undefined
  }

  get tracks() {
    return [...this.#tracks]
  }

  /** @param {import('../../index.js').IncomingTrack} track */
  addTrack(track) {
    this.#tracks.add(track)
    this.emit('track', track)
    track.once('closed', () => {
      this.#tracks.delete(track)
      this.emit('trackclosed', track)
    })
  }
}

exports.Publication = Publication
