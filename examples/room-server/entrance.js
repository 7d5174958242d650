import { AsyncLocalStorage } from 'node:async_hooks'
import { AuthError } from 'medialoom/auth'
import { Addresses, network } from './addresses.js'
import { Refusal } from './problem.js'

const SWEEP_MS = 30_000
/** Actions by which somebody comes into a room. */
const COMING_IN = new Set(['join', 'publish', 'play'])

/** @typedef {'address' | 'token' | 'nothing'} BanBy */

/**
 * The one way in, whatever somebody comes by: signaling, WHIP, WHEP, HTTP or RTMP. Whether the server takes
 * newcomers, how many of one address, and what a token says are asked here and nowhere else.
 */
export class Entrance {
  /** No newcomers are let in any more; whoever is in stays. */
  draining = false
  #rooms
  #access
  #banBy
  /** The address for which something is done just now: it is told to whom a new room belongs. */
  #requester = /** @type {AsyncLocalStorage<import('./addresses.js').Address>} */ (new AsyncLocalStorage())
  #sweep

  /**
   * @param {object} options
   * @param {import('medialoom/rooms').Rooms} options.rooms
   * @param {import('./access.js').Access} options.access
   * @param {import('./visitor.js').Visitors} options.visitors
   * @param {import('./limits.js').Limits} options.limits
   * @param {BanBy} [options.banBy] what bans of those without an identity hold by
   */
  constructor({ rooms, access, visitors, limits, banBy = 'address' }) {
    this.#rooms = rooms
    this.#access = access
    this.#banBy = banBy
    this.visitors = visitors
    this.addresses = new Addresses(limits)
    rooms.on('room', room => {
      const address = this.#requester.getStore()
      if (!address) return
      address.rooms += 1
      room.once('closed', () => (address.rooms -= 1))
    })
    this.#sweep = setInterval(() => this.addresses.sweep(), SWEEP_MS)
    this.#sweep.unref()
  }

  /**
   * Runs something for somebody: rooms that come of it are theirs.
   *
   * @template T
   * @param {import('./addresses.js').Address} address
   * @param {() => T} run
   * @returns {T}
   */
  as(address, run) {
    return this.#requester.run(address, run)
  }

  /**
   * Who somebody is and what they may. The `authorize` of the WHIP and WHEP routers as well.
   *
   * @param {import('node:http').IncomingMessage} request
   * @param {import('medialoom/auth').Wish} wish
   * @returns {Promise<import('medialoom/auth').Authorization>}
   * @throws {AuthError | import('./addresses.js').TooMany | Refusal}
   */
  enter = (request, wish) => {
    const newcomer = COMING_IN.has(wish.action) && (wish.action === 'join' || request.method === 'POST')
    return this.#enter(request, this.visitors.addressOf(request), newcomer, wish)
  }

  /**
   * The same of somebody who came by another protocol than HTTP.
   *
   * @param {string} ip
   * @param {import('medialoom/auth').Wish} wish
   */
  enterFrom(ip, wish) {
    return this.#enter(null, ip, COMING_IN.has(wish.action), wish)
  }

  /**
   * @param {import('node:http').IncomingMessage | null} request
   * @param {string} ip
   * @param {boolean} newcomer
   * @param {import('medialoom/auth').Wish} wish
   */
  async #enter(request, ip, newcomer, wish) {
    if (newcomer && this.draining) {
      throw new Refusal(503, 'the server is about to stop; come back in a moment', {
        code: 'shutting-down',
        headers: { 'Retry-After': '5' }
      })
    }
    const authorization = await this.#access.authorize(request, wish)
    if (newcomer && wish.room !== undefined && !this.#rooms.get(wish.room)) {
      if (authorization.mayCreate === false) {
        throw new AuthError('ERR_TOKEN_GRANT', 'nobody is in the room yet, and the token does not allow to make it', {
          claim: 'video.roomCreate'
        })
      }
      this.addresses.of(ip).makeRoom()
    }
    return { ...authorization, banBy: this.#bannable(ip, authorization) }
  }

  /**
   * What somebody is known again by who has no identity.
   * @param {string} ip
   * @param {import('medialoom/auth').Authorization} authorization
   */
  #bannable(ip, { tokenId }) {
    if (this.#banBy === 'address') return [`address:${network(ip)}`]
    return this.#banBy === 'token' && tokenId !== undefined ? [`token:${tokenId}`] : []
  }

  close() {
    clearInterval(this.#sweep)
  }
}
