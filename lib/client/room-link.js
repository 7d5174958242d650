/** What is between the server's address and the room's name. */
const ROOM_PATH = /^(.*\/)r\/([^/]+)\/?$/

/**
 * @typedef {object} RoomLink
 * @property {string} server where the server is: an address that ends with a slash
 * @property {string | null} room
 * @property {string | null} token
 * @property {string | null} key passphrase of end-to-end encryption
 */

/**
 * The parts of a link to a room, such as `https://example.org/r/loom#token=…&key=…`. Token and key are
 * looked for after `#`, which browsers send to nobody; a token may be in the query instead.
 *
 * @param {string | URL} link
 * @returns {RoomLink}
 */
export function readLink(link) {
  const url = new URL(link, globalThis.location?.href)
  const [, folder, name] = ROOM_PATH.exec(url.pathname) ?? []
  const fragment = new URLSearchParams(url.hash.slice(1))
  const path = folder ?? url.pathname.replace(/[^/]*$/, '')
  return {
    server: new URL(path, url).href,
    room: name === undefined ? null : decoded(name),
    token: fragment.get('token') || url.searchParams.get('token') || null,
    key: fragment.get('key') || null
  }
}

/**
 * The link to a room, with what is to be in it.
 *
 * @param {{ server: string, room: string, token?: string | null, key?: string | null, query?: string }} parts
 * @returns {string}
 */
export function writeLink({ server, room, token, key, query = '' }) {
  const fragment = new URLSearchParams({ ...(token && { token }), ...(key && { key }) }).toString()
  return `${server}r/${encodeURIComponent(room)}${query}${fragment && `#${fragment}`}`
}

/** @param {string} name */
function decoded(name) {
  try {
    return decodeURIComponent(name)
  } catch {
    return null
  }
}
