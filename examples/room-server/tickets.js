import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Milliseconds for which a ticket lets somebody in: a long evening. */
const LIFETIME = 12 * 60 * 60 * 1000

/**
 * Tickets in addresses that a `<video>`, a player or a download has, which bring no token along: each is for
 * one thing and for a while, and whoever has it has the thing.
 */
export class Tickets {
  #key = randomBytes(32)
  #now

  /** @param {() => number} [now] milliseconds */
  constructor(now = Date.now) {
    this.#now = now
  }

  /** @param {string} thing */
  issue(thing) {
    const expires = this.#now() + LIFETIME
    return `${expires}.${this.#sign(thing, expires)}`
  }

  /**
   * @param {string} thing
   * @param {unknown} ticket
   */
  admits(thing, ticket) {
    const [, expires, signature] = /^(\d{1,15})\.([\w-]{43})$/.exec(typeof ticket === 'string' ? ticket : '') ?? []
    if (!signature || Number(expires) < this.#now()) return false
    return timingSafeEqual(Buffer.from(signature), Buffer.from(this.#sign(thing, Number(expires))))
  }

  /** @param {string} thing @param {number} expires */
  #sign(thing, expires) {
    return createHmac('sha256', this.#key).update(`${thing}\n${expires}`).digest('base64url')
  }
}
