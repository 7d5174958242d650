import { isIPv6 } from 'node:net'
import { TokenBucket } from './token-bucket.js'

/** Too much came from one address. Answered with 429 and `Retry-After` (RFC 6585 4). */
export class TooMany extends Error {
  status = 429
  code = 'too-many-requests'

  /**
   * @param {string} what
   * @param {number} wait seconds
   */
  constructor(what, wait) {
    const seconds = Math.max(1, Math.ceil(wait))
    super(`${what}; try again in ${seconds === 1 ? 'a second' : `${seconds} seconds`}`)
    this.retryAfter = seconds
  }
}

/** Seconds after which who has too much open may try again. */
const PATIENCE = 10

/** What one address has open, and how much it may still do. */
export class Address {
  /** WebSockets. */
  connections = 0
  /** Rooms that it made. */
  rooms = 0
  /** Inputs that it pushes or asked for. */
  inputs = 0
  #limits
  #buckets

  /**
   * @param {import('./limits.js').Limits} limits
   * @param {() => number} now milliseconds
   */
  constructor(limits, now) {
    this.#limits = limits
    const bucket = (/** @type {number} */ perSecond, /** @type {number} */ burst) => new TokenBucket({ perSecond, burst, now })
    this.#buckets = {
      connections: bucket(limits.connectionsPerSecond, limits.connectionBurst),
      joins: bucket(limits.joinsPerSecond, limits.joinBurst),
      requests: bucket(limits.requestsPerSecond, limits.requestBurst),
      messages: bucket(limits.addressMessagesPerSecond, limits.addressMessageBurst),
      bytes: bucket(limits.addressBytesPerSecond, limits.addressByteBurst)
    }
  }

  /** Before a WebSocket is opened. @throws {TooMany} */
  connect() {
    if (this.connections >= this.#limits.maxConnectionsPerAddress) throw new TooMany('your address has too many connections', PATIENCE)
    this.#take('connections', 'your address opens connections too fast')
  }

  /** @throws {TooMany} */
  join() {
    this.#take('joins', 'too many tries to join came from your address')
  }

  /** @throws {TooMany} */
  request() {
    this.#take('requests', 'too many requests came from your address')
  }

  /** Before a room is made. @throws {TooMany} */
  makeRoom() {
    if (this.rooms >= this.#limits.maxRoomsPerAddress) throw new TooMany('your address has made as many rooms as it may have', PATIENCE)
  }

  /** Before an input is taken. @throws {TooMany} */
  addInput() {
    if (this.inputs >= this.#limits.maxInputsPerAddress) throw new TooMany('your address has as many inputs as it may have', PATIENCE)
  }

  /** A message came. @returns {number} milliseconds for which no more are read */
  message() {
    return 1000 * this.#buckets.messages.spend(1)
  }

  /** @param {number} count that came @returns {number} milliseconds for which no more are read */
  bytes(count) {
    return 1000 * this.#buckets.bytes.spend(count)
  }

  /** What it has open. */
  get holds() {
    return this.connections + this.rooms + this.inputs
  }

  /** Whether nothing would be lost by forgetting it. */
  get idle() {
    return this.holds === 0 && Object.values(this.#buckets).every(bucket => bucket.full)
  }

  /**
   * @param {'connections' | 'joins' | 'requests'} kind
   * @param {string} what
   */
  #take(kind, what) {
    const bucket = this.#buckets[kind]
    if (!bucket.take()) throw new TooMany(what, bucket.wait)
  }
}

/** Whoever came lately, by address. */
export class Addresses {
  #limits
  #now
  /** @type {Map<string, Address>} */
  #known = new Map()

  /**
   * @param {import('./limits.js').Limits} limits
   * @param {() => number} [now] milliseconds
   */
  constructor(limits, now = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  get size() {
    return this.#known.size
  }

  /** @param {string} ip */
  of(ip) {
    const key = network(ip)
    let address = this.#known.get(key)
    if (!address) {
      if (this.#known.size >= this.#limits.maxAddresses) this.#makeRoom()
      address = new Address(this.#limits, this.#now)
      this.#known.set(key, address)
    }
    return address
  }

  /** Forgets those of whom there is nothing to remember. */
  sweep() {
    for (const [key, address] of this.#known) if (address.idle) this.#known.delete(key)
  }

  /** The oldest with nothing open gives way: who has that many addresses is limited by none of this. */
  #makeRoom() {
    let looked = 0
    for (const [key, address] of this.#known) {
      if (address.holds === 0 || ++looked === 100) {
        this.#known.delete(key)
        return
      }
    }
  }
}

/**
 * What belongs to one subscriber: an IPv4 address, or the /64 of an IPv6 address (RFC 6177).
 * @param {string} ip
 */
export function network(ip) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  if (!isIPv6(ip)) return ip
  const [head = '', tail = ''] = ip.split('%')[0].split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  while (groups.length + after.length < 8 && ip.includes('::')) groups.push('0')
  return `${[...groups, ...after]
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
