'use strict'

const { mediaLines } = require('./media-lines.js')
const { Problem } = require('./problem.js')
const { sessionRouter } = require('./session-router.js')

/**
 * WHIP (RFC 9725): a client publishes into a room by `POST /:room`.
 *
 * @param {import('./index.js').SessionRouterOptions} options
 * @returns {import('express').Router}
 */
function whipRouter(options) {
  const { rooms, transport: transportOptions } = options
  return sessionRouter(options, 'publish', async (offer, { room, peer = 'publisher' }) => {
    if (rooms.get(room)?.mode === 'p2p') throw new Problem(409, 'the room is in mode p2p, where no media passes the server', { code: 'ERR_ROOM_MODE' })
    const transport = rooms.endpoint.createTransport(transportOptions)
    try {
      const answer = await transport.acceptOffer(offer)
      if (!mediaLines(offer).some(line => line.sends && line.kind !== 'application')) {
        throw new Problem(422, 'the offer sends no audio and no video')
      }
      const participant = rooms.join(room, { name: peer, role: 'publisher', receive: 'nothing', transport })
      return { answer, participant }
    } catch (error) {
      void transport.close()
      throw error
    }
  })
}

exports.whipRouter = whipRouter
