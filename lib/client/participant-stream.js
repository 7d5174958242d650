/**
 * One stream of a participant, such as the camera with its microphone, a shared screen, or the mix of
 * everyone. It knows no more than an id; what came under it, and what the server says of it, is looked
 * up where that is kept, so that a stream is the same object over all connections.
 */
export class ParticipantStream {
  #context

  /**
   * @param {string} id
   * @param {'camera' | 'screen' | 'mix'} source
   * @param {string} owner id of a participant, `''` of the mix
   * @param {object} context
   * @param {(stream: ParticipantStream) => MediaStream | null} context.mediaOf
   * @param {(stream: ParticipantStream) => string} context.sentAs
   * @param {import('./downlink.js').Downlink | null} context.downlink null for what is sent from here
   * @param {import('./encryption.js').Encryption | null} context.encryption
   */
  constructor(id, source, owner, context) {
    this.id = id
    this.source = source
    this.owner = owner
    this.#context = context
  }

  /** To show and play; null until it came. */
  get media() {
    return this.#context.mediaOf(this)
  }

  /** Id by which the server knows what it sends of the video: its own, or that of a stream for whoever speaks. */
  get sentAs() {
    return this.#context.sentAs(this)
  }

  get audioTrack() {
    return this.media?.getAudioTracks()[0] ?? null
  }

  get videoTrack() {
    return this.media?.getVideoTracks()[0] ?? null
  }

  /** Of its video, what the server sends now. */
  get layer() {
    return this.#context.downlink?.layers.get(this.sentAs)?.layer ?? null
  }

  /** Why that, and nothing better. */
  get reason() {
    return this.#context.downlink?.layers.get(this.sentAs)?.reason ?? null
  }

  /** What there is to choose from, and what was chosen; null without a choice. */
  get encodings() {
    return this.#context.downlink?.encodings.get(this.sentAs) ?? null
  }

  /** @param {string} encoding one of {@link encodings}, or `auto` */
  selectEncoding(encoding) {
    this.#context.downlink?.selectEncoding(this.sentAs, encoding)
  }

  /** Whether what came was encrypted end to end; null while nothing came, or nothing is encrypted here. */
  get secrecy() {
    return this.#context.encryption?.stateOf(this.media) ?? null
  }
}
