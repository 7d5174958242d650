'use strict'

/**
 * The endpoint that is attacked, as an application would answer its peers.
 *
 * @param {import('../../..').Endpoint} endpoint
 * @param {(client: number) => import('../../..').Transport} [neighbour] the transport of a neighbour
 */
function hostOf(endpoint, neighbour) {
  /** What was told of each transport: its errors, and why it closed. */
  const fates = new Map()
  const transportOf = id => endpoint.transports.find(transport => transport.id === id)
  const methods = {
    /** Answers an offer; `watches` is the neighbour whose picture goes to whoever offered. */
    async join(offer, { watches } = {}) {
      const transport = endpoint.createTransport()
      const fate = { errors: [], reason: null }
      fates.set(transport.id, fate)
      transport.on('error', ({ code }) => fate.errors.push(code))
      transport.on('closed', reason => (fate.reason = reason))
      transport.on('datachannel', channel => channel.on('error', () => {}))
      if (watches !== undefined) {
        const [source] = neighbour(watches).incomingTracks
        transport.createOutgoingStream({ video: 1 }).video[0].attachTo(source)
      }
      return { id: transport.id, sdp: await transport.acceptOffer(offer) }
    },
    /** Takes a description once more, or as somebody else; gives the code of the error, if there was one. */
    async accept(id, sdp) {
      try {
        await (transportOf(id) ?? endpoint.createTransport()).acceptOffer(sdp)
        return null
      } catch ({ code }) {
        return code
      }
    },
    /** Takes candidates one by one. */
    async trickle(id, candidates) {
      for (const candidate of candidates)
        await transportOf(id)
          ?.addIceCandidate(candidate)
          .catch(() => {})
    },
    state: async id => transportOf(id)?.state ?? 'closed',
    /** How it ended, if it did, and what came from it until now. */
    async fate(id) {
      const stats = await transportOf(id)?.getStats()
      return { ...fates.get(id), packets: stats?.packetsReceived }
    }
  }
  /** As `Client.call`, whose process it may be in. */
  return { call: (method, ...args) => methods[method](...args) }
}

module.exports = { hostOf }
