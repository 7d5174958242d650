'use strict'

const { EventEmitter } = require('node:events')
const { AgentEars } = require('./agent-ears.js')
const { AgentVoice } = require('./agent-voice.js')
const { RoomError } = require('./room-error.js')
const { Turns } = require('./turns.js')

/** Milliseconds without a sound after which somebody has finished. */
const SILENCE = 600

/**
 * What an application does in a room as one of its participants: what it says and shows, what it
 * hears and sees, and whose turn it is.
 *
 * @extends {EventEmitter<import('./index.js').AgentEvents>}
 */
class Agent extends EventEmitter {
  #participant
  #voice
  #ears
  #turns
  #options

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {Required<import('./index.js').AgentOptions>} options
   */
  constructor(participant, options) {
    super()
    this.#participant = participant
    this.#options = options
    const { endpoint } = participant.room
    this.#voice = new AgentVoice(participant, endpoint, options, error => this.#fail(error))
    this.#ears = new AgentEars(participant, endpoint, options, error => this.#fail(error))
    this.#turns = new Turns(participant, {
      silence: options.silence,
      onStart: who => this.#started(who),
      onEnd: (who, duration) => this.emit('speechend', who, duration)
    })
  }

  get participant() {
    return this.#participant
  }

  /** Milliseconds of what it said since it began, or was interrupted last. */
  get heard() {
    return this.#voice.heard
  }

  /** @param {import('../../index.js').PcmWriterOptions} [options] */
  createPcmWriter(options) {
    return this.#voice.createPcmWriter(options)
  }

  createFrameWriter() {
    return this.#voice.createFrameWriter()
  }

  /**
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  createPcmReader({ from, ...options } = {}) {
    return this.#ears.createPcmReader(from, options)
  }

  /**
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  createFrameReader({ from, ...options } = {}) {
    return this.#ears.createFrameReader(from, options)
  }

  interrupt() {
    return this.#voice.interrupt()
  }

  /**
   * Called by the participant.
   * @param {import('../../index.js').Kind} kind
   * @param {boolean} withheld
   */
  withhold(kind, withheld) {
    this.#voice.withhold(kind, withheld)
  }

  /** Called by the participant, which leaves. */
  close() {
    this.#turns.close()
    this.#voice.close()
    this.#ears.close()
  }

  /** @param {import('./index.js').Participant} who */
  #started(who) {
    this.emit('speechstart', who)
    if (!this.#options.interruptible || !this.#voice.speaking) return
    const heard = this.interrupt()
    this.emit('interrupted', who, heard)
  }

  /** @param {Error} error */
  #fail(error) {
    this.#participant.emit('mixingfailed', error)
  }
}

/**
 * @param {unknown} given
 * @returns {Required<import('./index.js').AgentOptions> | null} null: it is no agent
 */
function checkAgent(given) {
  if (given === undefined || given === false || given === null) return null
  const options = given === true ? {} : given
  if (typeof options !== 'object') throw invalid('agent', 'true or an object')
  const known = ['audio', 'video', 'silence', 'interruptible']
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw invalid(`agent.${name}`, `one of ${known.join(', ')}`)
  }
  const { audio = true, video = false, silence = SILENCE, interruptible = false } = /** @type {any} */ (options)
  if (!Number.isInteger(silence) || silence < 200 || silence > 60_000) {
    throw invalid('agent.silence', 'a whole number from 200 to 60000, in milliseconds')
  }
  if (typeof interruptible !== 'boolean') throw invalid('agent.interruptible', 'true or false')
  if (!audio && !video) throw invalid('agent', 'one with audio or video')
  return { audio, video, silence, interruptible }
}

/**
 * @param {string} field
 * @param {string} expected
 */
function invalid(field, expected) {
  return new RoomError('ERR_INVALID_ARG', `${field} must be ${expected}`, { field })
}

exports.Agent = Agent
exports.checkAgent = checkAgent
