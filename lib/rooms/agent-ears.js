'use strict'

/**
 * What an agent hears and sees: a mixer with a port for everybody else's microphone and camera, made
 * with the first reader. Nobody gets its mix but those readers, so that decoding is all it costs.
 */
class AgentEars {
  #participant
  #endpoint
  #options
  #onError
  /** @type {Promise<import('../../index.js').Mixer> | null} */
  #making = null
  /** @type {import('../../index.js').Mixer | null} */
  #mixer = null
  /** @type {Map<import('./index.js').Participant, import('../../index.js').MixerPort>} */
  #ports = new Map()
  /** What listens to each. @type {Map<import('./index.js').Participant, () => void>} */
  #listeners = new Map()
  #closed = false
  #onChange = () => this.#update()

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('../../index.js').Endpoint} endpoint
   * @param {Required<import('./index.js').AgentOptions>} options
   * @param {(error: Error) => void} onError
   */
  constructor(participant, endpoint, options, onError) {
    this.#participant = participant
    this.#endpoint = endpoint
    this.#options = options
    this.#onError = onError
  }

  /**
   * @param {import('./index.js').Participant | undefined} from
   * @param {any} options
   */
  async createPcmReader(from, options) {
    const mixer = await this.#need()
    if (!from) return mixer.createPcmReader(options)
    return this.#portOf(mixer, from).createPcmReader({ ...options, source: 'own' })
  }

  /**
   * @param {import('./index.js').Participant | undefined} from
   * @param {any} options
   */
  async createFrameReader(from, options) {
    const mixer = await this.#need()
    if (!from) return mixer.createFrameReader(options)
    return this.#portOf(mixer, from).createFrameReader(options)
  }

  close() {
    this.#closed = true
    const { room } = this.#participant
    for (const event of EVENTS) room.off(event, this.#onChange)
    for (const [other, listener] of this.#listeners) other.off('media', listener)
    this.#listeners.clear()
    this.#ports.clear()
    void this.#mixer?.close()
  }

  #need() {
    this.#making ??= this.#make()
    return this.#making
  }

  async #make() {
    const { audio, video } = this.#options
    const mixer = await this.#endpoint.createMixer({ audio: audio && true, video, appData: this.#participant })
    if (this.#closed) {
      void mixer.close()
      throw new Error('the agent has left the room')
    }
    mixer.on('error', error => this.#onError(error))
    this.#mixer = mixer
    for (const event of EVENTS) this.#participant.room.on(event, this.#onChange)
    this.#update()
    return mixer
  }

  /** Everybody who sends has a port, with what they send now. */
  #update() {
    const mixer = this.#mixer
    if (!mixer || mixer.closed || this.#closed) return
    const { room, permissions } = this.#participant
    /** @type {import('./index.js').Participant[]} */
    const others = room.participants.filter(other => other !== this.#participant && other.maySend && permissions.canSubscribe)
    for (const [other, port] of this.#ports) {
      if (others.includes(other)) continue
      this.#ports.delete(other)
      const listener = this.#listeners.get(other)
      this.#listeners.delete(other)
      if (listener) other.off('media', listener)
      port.close()
    }
    for (const other of others) if (!this.#listeners.has(other)) this.#follow(mixer, other)
  }

  /**
   * @param {import('../../index.js').Mixer} mixer
   * @param {import('./index.js').Participant} other
   */
  #follow(mixer, other) {
    const listener = () => {
      if (mixer.closed) return
      try {
        this.#attach(this.#portOf(mixer, other), other)
      } catch (error) {
        this.#onError(/** @type {Error} */ (error))
      }
    }
    this.#listeners.set(other, listener)
    other.on('media', listener)
    listener()
  }

  /**
   * @param {import('../../index.js').Mixer} mixer
   * @param {import('./index.js').Participant} other
   */
  #portOf(mixer, other) {
    let port = this.#ports.get(other)
    if (!port) {
      port = mixer.addPort({ label: other.name, appData: other })
      this.#ports.set(other, port)
    }
    return port
  }

  /**
   * @param {import('../../index.js').MixerPort} port
   * @param {import('./index.js').Participant} other
   */
  #attach(port, other) {
    const cameras = other.publications.filter(publication => !publication.screen)
    const tracks = cameras.flatMap(publication => publication.tracks).filter(track => !track.closed)
    for (const kind of /** @type {const} */ (['audio', 'video'])) {
      if (!port.mixer[kind]) continue
      const track = tracks.find(each => each.kind === kind)
      const source = kind === 'audio' ? port.audioSource : port.videoSource
      if (track === (source ?? undefined)) continue
      if (track) port.attachTo(track)
      else port.detach(kind)
    }
  }
}

/** After which somebody may have come, gone, or may send. */
const EVENTS = /** @type {const} */ (['joined', 'left', 'role', 'permissions'])

exports.AgentEars = AgentEars
