'use strict'

const { whileAudible } = require('./audible.js')
const { RoomError } = require('./room-error.js')

/** Frames a second of pictures that are encoded anew. */
const FRAME_RATE = 30
/** Pixels: the size of a picture is the encoder's to choose, and what it costs to encode anew is not. */
const MOST = Object.freeze({ width: 1920, height: 1080 })
const LEAST = 16
/** Inputs that are somebody in a room: each is one at a time. @type {WeakSet<object>} */
const taken = new WeakSet()

/**
 * What came by another way than WebRTC as one of a room's participants: its tracks are what they send,
 * it ends when they leave, and they leave when it ends.
 */
class RoomInput {
  #input
  #participant
  /** The newest of each kind. @type {Map<import('../../index.js').Kind, import('../../index.js').SourceTrack>} */
  #tracks = new Map()
  /** Pictures with B-frames, in an order that can be forwarded. @type {import('../../index.js').Mixer | null} */
  #mixer = null
  /** Listens to its sound no more. @type {() => void} */
  #deafen = () => {}
  /** @param {import('../../index.js').SourceTrack} track */
  #onTrack = track => this.#take(track)

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('./index.js').Input} input
   * @param {boolean} screen
   */
  constructor(participant, input, screen) {
    this.#participant = participant
    this.#input = input
    this.screen = screen
    taken.add(input)
    participant.once('left', () => this.#left())
    input.once('closed', (/** @type {import('../../index.js').CloseReason} */ reason) => participant.leave(reason))
    input.on('track', this.#onTrack)
    const { maxIncomingBitrate } = participant
    if ('setMaxIncomingBitrate' in input && maxIncomingBitrate !== null) input.setMaxIncomingBitrate(maxIncomingBitrate)
    if (screen && 'incomingStreams' in input) participant.setScreens(input.incomingStreams.map(({ id }) => id))
    for (const track of tracksOf(input)) this.#take(track)
    // One that ended, or a room that closed, while everybody was told of it.
    if (participant.closed) this.#left()
    else if (input.closed) participant.leave('closed')
  }

  get audio() {
    return this.#offered('audio')
  }

  get video() {
    return this.#mixer ? this.#mixer.video : this.#offered('video')
  }

  /** @param {import('../../index.js').Kind} kind */
  #offered(kind) {
    const track = this.#tracks.get(kind)
    return track && !track.closed && !isReordered(track) ? track : null
  }

  /** @param {import('../../index.js').SourceTrack} track */
  #take(track) {
    if (this.#participant.closed) return
    this.#tracks.set(track.kind, track)
    if (track.kind === 'video') this.#closeMixer()
    else this.#listen(track)
    if (isReordered(track)) void this.#encodeAnew(track)
    const events = /** @type {import('node:events').EventEmitter} */ (track)
    events.once('closed', () => this.#participant.offer(this))
    this.#participant.offer(this)
  }

  /** @param {import('../../index.js').SourceTrack} track */
  #listen(track) {
    this.#deafen()
    // Of what peers send, detectors tell the room.
    if (!('withhold' in track)) this.#deafen = whileAudible(track, sounds => this.#participant.hearMade(track, sounds))
  }

  /** @param {import('../../index.js').InputTrack} track */
  async #encodeAnew(track) {
    const isWanted = () => !this.#participant.closed && this.#tracks.get('video') === track && !track.closed
    try {
      const { width, height } = sizeFor(track)
      const mixer = await this.#participant.room.endpoint.createMixer({
        audio: false,
        video: { width, height, frameRate: FRAME_RATE },
        appData: this.#participant
      })
      mixer.on('error', error => this.#participant.emit('mixingfailed', error))
      if (!isWanted()) return void mixer.close()
      this.#mixer = mixer
      mixer.addPort().attachTo(track)
      track.once('closed', () => {
        if (this.#mixer === mixer) this.#closeMixer()
      })
      this.#participant.offer(this)
    } catch (error) {
      this.#participant.emit('mixingfailed', /** @type {Error} */ (error))
    }
  }

  #closeMixer() {
    const mixer = this.#mixer
    this.#mixer = null
    void mixer?.close()
  }

  #left() {
    this.#input.off('track', this.#onTrack)
    taken.delete(this.#input)
    this.#deafen()
    this.#closeMixer()
    if (!this.#input.closed) void this.#input.close()
  }
}

/**
 * Has an input be somebody in a room.
 *
 * @param {(options: import('./index.js').JoinOptions & { input: import('./index.js').Input }) => import('./participant.js').Participant} join
 * @param {import('./index.js').Input} input
 * @param {import('./index.js').InputOptions} options
 */
function addInput(join, input, options) {
  if (typeof input?.close !== 'function' || !('tracks' in input || 'incomingTracks' in input)) {
    throw new RoomError('ERR_INVALID_ARG', 'input must be something that has tracks and can be closed', { field: 'input' })
  }
  if (input.closed) throw new RoomError('ERR_CLOSED', 'the input has ended')
  if (taken.has(input)) throw new RoomError('ERR_INVALID_ARG', 'the input is somebody in a room already', { field: 'input' })
  const { screen = false, ...asked } = options ?? /** @type {import('./index.js').InputOptions} */ ({})
  if (typeof screen !== 'boolean') throw new RoomError('ERR_INVALID_ARG', 'screen must be true or false', { field: 'screen' })
  const participant = join({ ...asked, input, role: 'publisher', receive: 'nothing', transport: null, agent: false })
  new RoomInput(participant, input, screen)
  return participant
}

/** @param {import('./index.js').Input} input @returns {readonly import('../../index.js').SourceTrack[]} */
function tracksOf(input) {
  return 'incomingTracks' in input ? input.incomingTracks : input.tracks
}

/** @param {import('../../index.js').SourceTrack} track @returns {track is import('../../index.js').InputTrack} */
function isReordered(track) {
  return 'reordered' in track && track.reordered
}

/** As it comes, within bounds, and in even numbers as mixers have it. @param {import('../../index.js').InputTrack} track */
function sizeFor({ width, height }) {
  if (!width || !height) return MOST
  const scale = Math.min(1, MOST.width / width, MOST.height / height)
  const side = (/** @type {number} */ length) => Math.max(LEAST, 2 * Math.floor((length * scale) / 2))
  return { width: side(width), height: side(height) }
}

exports.addInput = addInput
