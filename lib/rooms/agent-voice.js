'use strict'

const { whileAudible } = require('./audible.js')

/**
 * What an agent says and shows: a mixer of its own with one port, whose tracks are the agent's
 * publication. So it goes the way of everybody's, forwarded, mixed or by WHEP.
 */
class AgentVoice {
  #participant
  #options
  #onError
  /** @type {Promise<import('../../index.js').MixerPort>} */
  #ready
  /** @type {import('../../index.js').Mixer | null} */
  #mixer = null
  /** @type {import('../../index.js').PcmWriter | null} */
  #writer = null
  /** Where in what was written the present speech begins. */
  #base = 0
  #closed = false
  /** Listens to what it says no more. @type {() => void} */
  #deafen = () => {}

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('../../index.js').Endpoint} endpoint
   * @param {Required<import('./index.js').AgentOptions>} options
   * @param {(error: Error) => void} onError
   */
  constructor(participant, endpoint, options, onError) {
    this.#participant = participant
    this.#options = options
    this.#onError = onError
    this.#ready = this.#make(endpoint)
    // Whoever asks for a writer hears of it, too.
    this.#ready.catch(error => onError(error))
  }

  /** Whether something that was written was not played yet. */
  get speaking() {
    const writer = this.#writer
    return writer !== null && !writer.destroyed && writer.waiting > 0
  }

  get heard() {
    return this.#writer ? this.#writer.position - this.#base : 0
  }

  /** @param {import('../../index.js').PcmWriterOptions} [options] */
  async createPcmWriter(options) {
    const port = await this.#ready
    const writer = port.createPcmWriter(options)
    this.#writer = writer
    this.#base = 0
    return writer
  }

  async createFrameWriter() {
    return (await this.#ready).createFrameWriter()
  }

  /** Takes back what was not played yet. Gives what was, in milliseconds. */
  interrupt() {
    const { heard } = this
    if (this.#writer && !this.#writer.destroyed) {
      this.#writer.clear()
      this.#base = this.#writer.position
    }
    return heard
  }

  /**
   * A moderator muted it.
   * @param {import('../../index.js').Kind} kind
   * @param {boolean} withheld
   */
  withhold(kind, withheld) {
    const [port] = this.#mixer?.ports ?? []
    if (!port || port.closed) return
    port.set(kind === 'audio' ? { muted: withheld } : { visible: !withheld })
  }

  close() {
    this.#closed = true
    this.#deafen()
    void this.#mixer?.close()
  }

  /** @param {import('../../index.js').Endpoint} endpoint */
  async #make(endpoint) {
    const { audio, video } = this.#options
    const mixer = await endpoint.createMixer({ audio, video, appData: this.#participant })
    if (this.#closed) {
      void mixer.close()
      throw new Error('the agent has left the room')
    }
    mixer.on('error', error => this.#onError(error))
    this.#mixer = mixer
    const port = mixer.addPort({ label: this.#participant.name, appData: this.#participant })
    const { audio: track } = mixer
    // The others are told of agents as of everybody.
    if (track) this.#deafen = whileAudible(track, sounds => this.#participant.hearMade(track, sounds))
    this.#participant.offer(mixer)
    return port
  }
}

exports.AgentVoice = AgentVoice
