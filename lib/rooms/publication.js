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
  /** With what stops listening to each. @type {Map<import('../../index.js').IncomingTrack, () => void>} */
  #tracks = new Map()
  #screen = false
  #speech = true

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
    /** @type {unknown} */
    this.appData = undefined
  }

  get tracks() {
    return [...this.#tracks.keys()]
  }

  get screen() {
    return this.#screen
  }

  set screen(screen) {
    if (screen === this.#screen) return
    this.#screen = screen
    this.emit('change')
  }

  get speech() {
    return this.#speech
  }

  set speech(speech) {
    if (speech === this.#speech) return
    this.#speech = speech
    this.emit('change')
  }

  /** @param {import('../../index.js').IncomingTrack} track */
  addTrack(track) {
    const onChange = () => this.emit('change')
    const onClosed = () => {
      this.#tracks.delete(track)
      this.emit('trackclosed', track)
      this.emit('change')
    }
    track.on('mute', onChange)
    track.on('unmute', onChange)
    track.once('closed', onClosed)
    this.#tracks.set(track, () => {
      track.off('mute', onChange)
      track.off('unmute', onChange)
      track.off('closed', onClosed)
    })
    this.emit('track', track)
    this.emit('change')
  }

  /** It is not offered any more. */
  close() {
    this.emit('closed')
    for (const forget of this.#tracks.values()) forget()
  }
}

exports.Publication = Publication
