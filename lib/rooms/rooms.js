'use strict'

const { EventEmitter } = require('node:events')
const { Room } = require('./room.js')
const { RoomError } = require('./room-error.js')
const { addInput } = require('./room-input.js')
const { checkLimits, checkRoomName } = require('./limits.js')

/** @type {import('../../index.js').MixerOptions} */
const MIXER = Object.freeze({
  audio: true,
  video: Object.freeze({
    width: 1280,
    height: 720,
    frameRate: 25,
    codecs: /** @type {('vp8' | 'h264')[]} */ (['vp8', 'h264']),
    rungs: 2
  })
})

/**
 * All rooms of one endpoint. A room is made by the first to join it and closes with the last to
 * leave, so nobody can fill the memory with empty ones.
 *
 * @extends {EventEmitter<import('./index.js').RoomsEvents>}
 */
class Rooms extends EventEmitter {
  /** @type {Map<string, Room>} */
  #rooms = new Map()
  #closed = false

  /** @param {import('./index.js').RoomsOptions} options */
  constructor(options) {
    super()
    if (!options || typeof options.endpoint?.createTransport !== 'function') {
      throw new RoomError('ERR_INVALID_ARG', 'options.endpoint must be an Endpoint of medialoom', { field: 'options.endpoint' })
    }
    this.endpoint = options.endpoint
    this.limits = checkLimits(options)
    this.mixer = checkMixer(options.mixer)
    this.speakers = checkSpeakers(options.speakers)
    /** Checked when somebody watches. */
    this.hls = options.hls ?? {}
  }

  get closed() {
    return this.#closed
  }

  get size() {
    return this.#rooms.size
  }

  /** @param {string} name */
  get(name) {
    return this.#rooms.get(typeof name === 'string' ? name.normalize('NFC') : name)
  }

  [Symbol.iterator]() {
    return this.#rooms.values()
  }

  /**
   * @param {string} name
   * @param {import('./index.js').JoinOptions} options
   * @returns {import('./participant.js').Participant}
   */
  join(name, options) {
    if (this.#closed) throw new RoomError('ERR_CLOSED', 'the rooms are closed')
    const roomName = checkRoomName(name, this.limits.maxNameLength)
    const existing = this.#rooms.get(roomName)
    if (existing) return existing.join(options)

    if (this.#rooms.size >= this.limits.maxRooms) {
      throw new RoomError('ERR_ROOM_LIMIT', `there are ${this.limits.maxRooms} rooms already; join one of them or come back later`)
    }
    const room = new Room(this, roomName, options?.mode ?? 'sfu')
    // Joins before anyone hears of the room: a refused first participant leaves no empty room.
    const participant = room.join(options)
    this.#rooms.set(roomName, room)
    room.once('closed', () => this.#rooms.delete(roomName))
    this.emit('room', room)
    return participant
  }

  /**
   * @param {string} name
   * @param {import('./index.js').Input} input
   * @param {import('./index.js').InputOptions} options
   */
  addInput(name, input, options) {
    return addInput(asked => this.join(name, asked), input, options)
  }

  /** Closes every room. The endpoint stays open. */
  close() {
    this.#closed = true
    for (const room of [...this.#rooms.values()]) room.close()
  }
}

/** @type {Readonly<Required<import('./index.js').SpeakersOptions>>} */
const SPEAKERS = Object.freeze({ audio: 3, video: 4, above: 100 })

/** @param {import('./index.js').SpeakersOptions} [given] */
function checkSpeakers(given = {}) {
  const speakers = { ...SPEAKERS }
  for (const name of /** @type {(keyof typeof speakers)[]} */ (Object.keys(speakers))) {
    const value = given[name]
    if (value === undefined) continue
    const field = `options.speakers.${name}`
    const most = name === 'above' ? Infinity : 64
    if (typeof value !== 'number' || !(value >= (name === 'video' ? 0 : 1) && value <= most)) {
      throw new RoomError('ERR_INVALID_ARG', `${field} must be a number from ${name === 'video' ? 0 : 1} to ${most}`, { field })
    }
    speakers[name] = value
  }
  return Object.freeze(speakers)
}

/**
 * The rest is checked when the first mixer is made.
 * @param {import('../../index.js').MixerOptions | false} given
 */
function checkMixer(given = MIXER) {
  if (given === false || (typeof given === 'object' && given !== null)) return given
  const field = 'options.mixer'
  throw new RoomError('ERR_INVALID_ARG', `${field} must be the options of a mixer, or false`, { field })
}

exports.Rooms = Rooms
