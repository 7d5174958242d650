'use strict'

const { mediaLines } = require('./media-lines.js')
const { Problem } = require('./problem.js')
const { joinOptionsOf } = require('./join-options.js')
const { SessionEndpoint } = require('./session-endpoint.js')

/**
 * WHIP (RFC 9725): a client publishes into a room by `POST /:room`.
 *
 * @template Original
 * @param {import('./options.js').SessionOptions<Original>} options
 * @returns {SessionEndpoint<Original>}
 */
function whipEndpoint(options) {
  const { rooms, transport: transportOptions } = options
  return new SessionEndpoint(options, 'publish', async (offer, { room, peer, token, authorization, sameClient }) => {
    // Who has a name by their token is called so, whatever they would like.
    const name = authorization.name ?? peer ?? 'publisher'
    if (rooms.get(room)?.mode === 'p2p')
      throw new Problem(409, 'the room is in mode p2p, where no media passes the server', { code: 'ERR_ROOM_MODE' })
    const transport = rooms.endpoint.createTransport(transportOptions)
    try {
      const answer = await transport.acceptOffer(offer)
      if (!mediaLines(offer).some(line => line.sends && line.kind !== 'application')) {
        throw new Problem(422, 'the offer sends no audio and no video')
      }
      const before = rooms.get(room)?.participants.find(other => isPredecessor(other))
      if (before) {
        before.setTransport(transport)
        return { answer, participant: before }
      }
      const participant = rooms.join(room, { name, role: 'publisher', receive: 'nothing', transport, ...joinOptionsOf(authorization) })
      return { answer, participant }
    } catch (error) {
      void transport.close()
      throw error
    }

    /**
     * Whether the client was this participant and came back, perhaps before anybody noticed that it
     * was gone. A client that gave neither a name nor a token may be anybody, so that it follows only
     * one that is not heard any more.
     *
     * @param {import('../rooms/index.js').Participant} other
     */
    function isPredecessor(other) {
      const named = peer !== undefined || token !== null || authorization.identity !== undefined
      return (
        other.role === 'publisher' &&
        other.name === name.trim().normalize('NFC') &&
        (named || other.transport?.state === 'disconnected') &&
        sameClient(other)
      )
    }
  })
}

exports.whipEndpoint = whipEndpoint
