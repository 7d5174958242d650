'use strict'

const { mediaLines } = require('./media-lines.js')
const { Problem } = require('./problem.js')
const { joinOptionsOf } = require('./join-options.js')
const { SessionEndpoint } = require('./session-endpoint.js')

const SOURCES = /** @type {const} */ (['mix', 'streams', 'speakers'])

/**
 * WHEP (draft-ietf-wish-whep): a client plays a room by `POST /:room`. The n-th audio and the n-th
 * video m-line it receives on are one place, filled with one participant's tracks; or they get the mix,
 * or whoever speaks.
 *
 * @template Original
 * @param {import('./options.js').SessionOptions<Original>} options
 * @returns {SessionEndpoint<Original>}
 */
function whepEndpoint(options) {
  const { rooms, transport: transportOptions } = options
  return new SessionEndpoint(options, 'play', async (offer, { room, peer, source, authorization }) => {
    const name = authorization.name ?? peer
    const chosen = SOURCES.find(each => each === source)
    if (source !== undefined && !chosen) {
      throw new Problem(400, `source must be one of ${SOURCES.join(', ')}`, { code: 'ERR_INVALID_ARG', field: 'source' })
    }
    if (rooms.get(room)?.mode === 'p2p')
      throw new Problem(409, 'the room is in mode p2p, where no media passes the server', { code: 'ERR_ROOM_MODE' })
    const transport = rooms.endpoint.createTransport(transportOptions)
    try {
      const places = createPlaces(transport, offer, rooms.limits.maxParticipants)
      const answer = await transport.acceptOffer(offer)
      // An m-line that was refused, for want of a codec, carries nothing and never will.
      for (const place of places) {
        for (const track of place.tracks) if (track.mid === null) track.close()
      }
      // A viewer takes nobody's place: who publishes may watch as well, by the same token.
      const { identity: owner, ...who } = joinOptionsOf(authorization)
      const participant = rooms.join(room, {
        ...who,
        ...(owner !== undefined && { owner }),
        name: name ?? 'viewer',
        role: 'viewer',
        receive: 'places',
        exceptName: name,
        ...(chosen && { source: chosen }),
        transport
      })
      for (const place of places) if (!place.closed) participant.addPlace(place)
      return { answer, participant }
    } catch (error) {
      void transport.close()
      throw error
    }
  })
}

/**
 * @param {import('../../index.js').Transport} transport
 * @param {string} offer
 * @param {number} most
 */
function createPlaces(transport, offer, most) {
  const lines = mediaLines(offer).filter(line => line.receives)
  const audio = lines.filter(line => line.kind === 'audio').length
  const video = lines.filter(line => line.kind === 'video').length
  return Array.from({ length: Math.min(Math.max(audio, video), most) }, (_, index) =>
    transport.createOutgoingStream({ audio: index < audio ? 1 : 0, video: index < video ? 1 : 0 })
  )
}

exports.whepEndpoint = whepEndpoint
