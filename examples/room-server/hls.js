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
    const { room } = request.params
    await authorize(request, { action: 'play', room, token: bearerToken(request) })
    streamOf(room)
    const url = `hls/${encodeURIComponent(room)}/${tickets.issue(nameOf(room))}/index.m3u8`
    response.set('Cache-Control', 'no-store').json({ url })
  })
  router.use('/hls/:room/:ticket', (request, response) => {
    const { room, ticket } = request.params
    // Without a word whether there is such a room.
    if (!tickets.admits(nameOf(room), ticket)) throw new Refusal(403, 'the address has expired, or never was one', { code: 'forbidden' })
    streamOf(room).handler(request, response)
  })
  router.use('/player', express.static(PLAYER, { index: false }))
  return router

  /** @param {string} room */
  function nameOf(room) {
    return room.normalize('NFC')
  }

  /** @param {string} name */
  function streamOf(name) {
    const room = rooms.get(name)
    if (!room) throw new Refusal(404, 'there is no such room: rooms exist while someone is in them')
    if (!room.hls) throw new Refusal(409, 'nothing is mixed on this server')
    return room.hls
  }
}
