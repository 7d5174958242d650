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
   * @param {object} context
   * @param {(id: string) => MediaStream | null} context.mediaOf
   * @param {import('./downlink.js').Downlink | null} context.downlink null for what is sent from here
   * @param {import('./encryption.js').Encryption | null} context.encryption
   */
  constructor(id, source, context) {
    this.id = id
    this.source = source
    this.#context = context
  }

  /** To show and play; null until it came. */
  get media() {
    return this.#context.mediaOf(this.id)
  }

  get audioTrack() {
    return this.media?.getAudioTracks()[0] ?? null
  }

  get videoTrack() {
    return this.media?.getVideoTracks()[0] ?? null
  }

  /** Of its video, what the server sends now. */
  get layer() {
    return this.#context.downlink?.layers.get(this.id)?.layer ?? null
  }

  /** Why that, and nothing better. */
  get reason() {
    return this.#context.downlink?.layers.get(this.id)?.reason ?? null
  }

  /** What there is to choose from, and what was chosen; null without a choice. */
  get encodings() {
    return this.#context.downlink?.encodings.get(this.id) ?? null
  }

  /** @param {string} encoding one of {@link encodings}, or `auto` */
  selectEncoding(encoding) {
    this.#context.downlink?.selectEncoding(this.id, encoding)
  }

  /** Whether what came was encrypted end to end; null while nothing came, or nothing is encrypted here. */
  get secrecy() {
    return this.#context.encryption?.stateOf(this.media) ?? null
  }
}
