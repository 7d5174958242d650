'use strict'

const { EventEmitter } = require('node:events')

const KINDS = /** @type {const} */ (['audio', 'video'])
/** @type {Readonly<{ audio: boolean, video: boolean }>} */
const NOTHING = Object.freeze({ audio: false, video: false })

/**
 * One incoming stream of a participant, as the room offers it to the others.
 *
 * Its id is the stream id the others see. It is made here rather than taken from the publisher's
 * MSID, because two publishers may choose the same one and some give none.
 *
 * @extends {EventEmitter<import('./index.js').PublicationEvents>}
 */
class Publication extends EventEmitter {
  /** With what stops listening to each. @type {Map<import('./index.js').PublishedTrack, () => void>} */
  #tracks = new Map()
  #screen
  #speech
  #muted = NOTHING
  #closed = false

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('../../index.js').IncomingStream | null} stream null: it is an agent's
   * @param {string} id
   * @param {boolean} screen
   */
  constructor(participant, stream, id, screen) {
    super()
    // Every receiver in the room listens to every publication.
    this.setMaxListeners(0)
    this.participant = participant
    this.stream = stream
    this.id = id
    this.#screen = screen
    this.#speech = !screen
    /** @type {unknown} */
    this.appData = undefined
  }

  get tracks() {
    return [...this.#tracks.keys()]
  }

  get closed() {
    return this.#closed
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

  /** What is muted of this publication alone. */
  get muted() {
    return this.#muted
  }

  /** @param {import('../../index.js').Kind} [kind] */
  mute(kind) {
    this.#setMuted(kind, true)
  }

  /** @param {import('../../index.js').Kind} [kind] */
  unmute(kind) {
    this.#setMuted(kind, false)
  }

  /** @param {import('./index.js').PublishedTrack} given */
  addTrack(given) {
    // A mixed track is never muted by a peer; to listen for it does no harm.
    const track = /** @type {import('../../index.js').IncomingTrack} */ (given)
    const onChange = () => this.emit('change')
    const onClosed = () => this.removeTrack(track)
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

  /** It is not for the others any more. @param {import('./index.js').PublishedTrack} track */
  removeTrack(track) {
    const forget = this.#tracks.get(track)
    if (!forget) return
    forget()
    this.#tracks.delete(track)
    this.emit('trackclosed', track)
    this.emit('change')
  }

  /** It is not offered any more. */
  close() {
    if (this.#closed) return
    this.#closed = true
    this.emit('closed')
    for (const forget of this.#tracks.values()) forget()
  }

  /**
   * @param {import('../../index.js').Kind | undefined} kind
   * @param {boolean} muted
   */
  #setMuted(kind, muted) {
    const changed = (kind === undefined ? KINDS : [kind]).filter(each => this.#muted[each] !== muted)
    if (changed.length === 0) return
    this.#muted = Object.freeze({ ...this.#muted, ...Object.fromEntries(changed.map(each => [each, muted])) })
    this.emit('change')
  }
}

exports.Publication = Publication
