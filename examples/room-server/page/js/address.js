import { readLink, writeLink } from '/client/index.js'
import { claimsOf } from './token-claims.js'

/**
 * What the page's address says: room, token and key of a link, and what else one may ask for there to
 * try things out. Read once: the address changes when the room is entered.
 */
const link = readLink(location.href)
const query = new URLSearchParams(location.search)
const { name, video: { room: granted, roomCreate, canPublish } = {} } = claimsOf(link.token)

export const address = {
  server: link.server,
  /** A token that is for one room says which. */
  room: granted && granted !== '*' ? granted : link.room,
  /** Who one is and what one may; null where the server asks nobody, or one comes without. */
  token: link.token,
  key: link.key,
  name: name ?? query.get('name'),
  /** What is not for the user to choose: the token says it. */
  fixed: { name: name !== undefined, room: granted !== undefined && granted !== '*', mode: roomCreate === false },
  mode: query.get('mode'),
  /** By `?role=listener` one comes to listen. */
  role: /** @type {'member' | 'listener'} */ (query.get('role') === 'listener' ? 'listener' : 'member'),
  /** Whether camera and microphone are of use; if not, nothing is asked of them. */
  sends: query.get('role') !== 'listener' && canPublish !== false,
  /** `?codec=vp9` sends video with that codec only, `?scalability=L3T3_KEY` one encoding with these layers (SVC) instead of a simulcast. */
  publish: {
    ...(query.get('codec') && { codec: query.get('codec') ?? undefined }),
    ...(query.get('scalability') && { scalability: query.get('scalability') ?? undefined })
  }
}

/**
 * The address of a room, with what is to stay in it when the page is loaded again.
 * @param {{ room: string, key: string | null }} entered
 */
export function showRoom({ room, key }) {
  const { server, token, publish } = address
  const asked = new URLSearchParams(publish).toString()
  history.replaceState(null, '', writeLink({ server, room, token, key, query: asked && `?${asked}` }))
  document.title = `${room} · medialoom`
}
