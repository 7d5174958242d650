import { randomBytes } from 'node:crypto'
import { KeyRing, createToken, tokenAuthorizer, verifyToken } from 'medialoom/auth'

/** Seconds for which the host's link holds: a week. */
const HOST_LINK_LIFETIME = 7 * 24 * 60 * 60

/** Of a server that anybody may try out. */
const EVERYTHING = { permissions: { roomAdmin: true, roomRecord: true } }

/**
 * @typedef {(request: import('node:http').IncomingMessage, wish: import('medialoom/auth').Wish) => Promise<import('medialoom/auth').Authorization>} Authorize
 */

/** Who may do what on this server: its keys, and the answer to whoever wants something. */
export class Access {
  /** Whether the secret was made here, and is nowhere but in this process. */
  ownSecret
  #open
  #byToken

  /**
   * @param {object} options
   * @param {boolean} [options.open] everybody may do everything
   * @param {import('medialoom/auth').TokenKey[]} [options.keys] default: one that is made here
   */
  constructor({ open = false, keys }) {
    this.#open = open
    this.ownSecret = keys === undefined
    this.keys = new KeyRing(keys ?? { id: 'room-server', secret: randomBytes(32) })
    this.#byToken = tokenAuthorizer(this.keys)
  }

  get open() {
    return this.#open
  }

  /**
   * @param {import('node:http').IncomingMessage | null} request null of who came by something else than HTTP
   * @param {import('medialoom/auth').Wish} wish
   * @returns {Promise<import('medialoom/auth').Authorization>}
   */
  authorize = async (request, wish) => (this.#open ? EVERYTHING : this.#byToken(request, wish))

  /**
   * The room that a token is for, `*` for all of them.
   * @param {string} token
   * @throws {import('medialoom/auth').AuthError}
   */
  async roomOf(token) {
    return (await verifyToken(this.keys, token)).video.room ?? null
  }

  /** A token for everything there is here. */
  hostToken() {
    const video = { room: '*', roomJoin: true, roomCreate: true, roomList: true, roomAdmin: true, roomRecord: true }
    // Without an identity: whoever has the link may come more than once.
    return createToken(this.keys, { video }, { expiresIn: HOST_LINK_LIFETIME })
  }
}

/**
 * The bearer token of a request (RFC 6750 2.1), `null` without one.
 * @param {import('node:http').IncomingMessage} request
 */
export function bearerToken(request) {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
}

/**
 * A link that lets whoever opens it in: the token is in the fragment, which browsers send to nobody and
 * no log has.
 *
 * @param {URL | string} site
 * @param {string | null} room
 * @param {string} token
 */
export function linkTo(site, room, token) {
  const base = String(site).replace(/\/$/, '')
  return `${base}/${room === null ? '' : `r/${encodeURIComponent(room)}`}#token=${token}`
}
