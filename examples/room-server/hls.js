import path from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { bearerToken } from './access.js'
import { Refusal } from './problem.js'
import { Tickets } from './tickets.js'

/** The player of the page, as it comes from npm. */
const PLAYER = path.dirname(fileURLToPath(import.meta.resolve('hls.js')))

/**
 * Rooms for players of HLS: `/api/rooms/:room/hls` gives whoever may watch the address of the mix, which
 * is below `/hls`. Players bring no token along, so the address has a ticket in it.
 *
 * @param {object} parts
 * @param {import('medialoom/rooms').Rooms} parts.rooms
 * @param {import('./access.js').Authorize} parts.authorize
 */
export function hlsRouter({ rooms, authorize }) {
  const router = express.Router()
  const tickets = new Tickets()

  router.get('/api/rooms/:room/hls', async (request, response) => {
    const { room: name } = request.params
    const { identity, banBy, permissions } = await authorize(request, { action: 'play', room: name, token: bearerToken(request) })
    const { room } = streamOf(name)
    const who = { ...(identity !== undefined && { identity }), ...(banBy !== undefined && { banBy }) }
    // Locks, lobbies and bans hold for who only watches, too.
    room.checkEntrance({ ...who, ...(permissions && { permissions }) })
    // Bans hold for who has the address as well.
    const visitor = Buffer.from(JSON.stringify(who)).toString('base64url')
    const url = `hls/${encodeURIComponent(name)}/${visitor}/${tickets.issue(thing(room, visitor))}/index.m3u8`
    response.set('Cache-Control', 'no-store').json({ url })
  })
  router.use('/hls/:room/:visitor/:ticket', (request, response) => {
    const { room: name, visitor, ticket } = request.params
    const known = rooms.get(name)
    // Without a word whether there is such a room. One of the same name later on is another one.
    if (!known || !tickets.admits(thing(known, visitor), ticket)) {
      throw new Refusal(403, 'the address has expired, or never was one', { code: 'forbidden' })
    }
    const { room, hls } = streamOf(name)
    if (room.isBanned(JSON.parse(Buffer.from(visitor, 'base64url').toString()))) {
      throw new Refusal(403, 'you were banned from this room', { code: 'banned' })
    }
    hls.handler(request, response)
  })
  router.use('/player', express.static(PLAYER, { index: false }))
  return router

  /** @param {string} name */
  function streamOf(name) {
    const room = rooms.get(name)
    if (!room) throw new Refusal(404, 'there is no such room: rooms exist while someone is in them')
    if (!room.hls) throw new Refusal(409, 'nothing is mixed on this server')
    return { room, hls: room.hls }
  }
}

/**
 * What a ticket is for.
 * @param {import('medialoom/rooms').Room} room
 * @param {string} visitor
 */
function thing(room, visitor) {
  return `${room.name}/${room.createdAt}/${visitor}`
}
