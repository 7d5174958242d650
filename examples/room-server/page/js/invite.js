import { readLink, writeLink } from '/client/index.js'
import { address } from './address.js'

/** What a link lets people do, by the name of the choice. */
const GRANTS = {
  guest: { roomCreate: false },
  listener: { roomCreate: false, canPublish: false },
  host: { roomAdmin: true }
}

/** @typedef {keyof typeof GRANTS} LinkFor */

/** Whether links to this room carry a token, which only the server can make. */
export const linksNeedToken = address.token !== null

/**
 * A link to hand out. It never has one's own token in it.
 *
 * @param {import('/client/index.js').Room} call
 * @param {LinkFor} who
 * @returns {Promise<string>}
 */
export async function createLink({ name: room, permissions }, who) {
  const { server, key, publish } = address
  const query = new URLSearchParams(publish).toString()
  const token =
    linksNeedToken && permissions.roomAdmin
      ? await createToken(room, { ...GRANTS[who], ...(who === 'host' && { roomRecord: permissions.roomRecord }) })
      : null
  return writeLink({ server, room, token, key: readLink(location.href).key ?? key, query: query && `?${query}` })
}

/** @param {string} room @param {object} grants */
async function createToken(room, grants) {
  const response = await fetch(new URL(`api/rooms/${encodeURIComponent(room)}/tokens`, address.server), {
    method: 'POST',
    headers: { Authorization: `Bearer ${address.token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(grants)
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.detail ?? `the server answers ${response.status}`)
  return /** @type {string} */ (answer.token)
}
