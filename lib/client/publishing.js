/** What a moderator switches off, by what is sent. */
const KIND = /** @type {const} */ ({ microphone: 'audio', camera: 'video', screen: 'screen' })

/** @typedef {Record<import('./index.js').ModeratedKind, boolean>} Moderated */

/** What this page sends: which of it may be sent, and what the server is told of it. */
export class Publishing {
  #media
  #encrypted
  #standing

  /**
   * @param {object} options
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {boolean} options.encrypted
   * @param {() => { role: string, permissions: import('./index.js').Permissions, moderated: Moderated | undefined }} options.standing
   *   of this page's participant, now
   */
  constructor({ media, encrypted, standing }) {
    this.#media = media
    this.#encrypted = encrypted
    this.#standing = standing
  }

  /** Whether anybody would get it. @param {import('./index.js').PublishedSource} source */
  maySend(source) {
    const { role, permissions, moderated } = this.#standing()
    const isAllowed = permissions.canPublish && (permissions.canPublishSources?.includes(source) ?? true)
    return role === 'member' && isAllowed && !moderated?.[KIND[source]]
  }

  /** Whether microphone and camera are on, for the others. */
  get on() {
    return { audio: this.maySend('microphone') && this.#media.audio, video: this.maySend('camera') && this.#media.video }
  }

  /** What the server is to know. */
  get announcement() {
    return { type: 'media', ...this.on, encrypted: this.#encrypted, streams: this.#media.streams }
  }

  /**
   * What a moderator switched off is off here as well, so that it is not on by itself when it is
   * allowed again.
   * @param {Moderated} moderated
   */
  heed({ audio, video, screen }) {
    if (audio && this.#media.audio) void this.#media.setMicrophone(false)
    if (video && this.#media.video) void this.#media.setCamera(false)
    if (screen) this.#media.stopScreen()
  }
}
