import { Room } from './room.js'

/**
 * Enters a room.
 *
 * @param {string | URL} url
 * @param {string | null | (() => string | Promise<string>)} [token]
 * @param {import('./index.js').JoinOptions} [options]
 */
export function join(url, token, options) {
  return new Room(url, token, options).join()
}
