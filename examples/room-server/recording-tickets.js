import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Milliseconds for which a ticket lets somebody in: a long evening. */
const LIFETIME = 12 * 60 * 60 * 1000
/** As `medialoom/storage` has names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/**
 * Addresses of files that a `<video>` and a download can have, which bring no token along: each is for
 * one file and for a while, and whoever has it has the file.
 */
export class RecordingTickets {
  #key = randomBytes(32)
  #now

  /** @param {() => number} [now] milliseconds */
  constructor(now = Date.now) {
    this.#now = now
  }

  /** @param {unknown} name @returns {name is string} */
  isName(name) {
    return typeof name === 'string' && NAME.test(name)
  }

  /** @param {string} recording @param {string} file */
  urlOf(recording, file) {
    const expires = this.#now() + LIFETIME
    return `api/recordings/${recording}/${file}?ticket=${expires}.${this.#sign(recording, file, expires)}`
  }

  /**
   * @param {string} recording
   * @param {string} file
   * @param {unknown} ticket
   */
  admits(recording, file, ticket) {
    const [, expires, signature] = /^(\d{1,15})\.([\w-]{43})$/.exec(typeof ticket === 'string' ? ticket : '') ?? []
    if (!signature || !this.isName(recording) || !this.isName(file) || Number(expires) < this.#now()) return false
    return timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(recording, file, Number(expires))))
  }

  /** @param {string} recording @param {string} file @param {number} expires */
  #sign(recording, file, expires) {
    return createHmac('sha256', this.#key).update(`${recording}/${file}\n${expires}`).digest('base64url')
  }
}
