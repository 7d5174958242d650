'use strict'

/**
 * The process that is watched: an endpoint with rooms, WHIP and WHEP, as an application would have
 * them, and nothing else. The parent carries the signaling and plays the clients (see run.js).
 */

const { once } = require('node:events')
const express = require('express')
const { Endpoint } = require('../..')
const { whepRouter, whipRouter } = require('../../lib/express/index.js')
const { Rooms } = require('../../lib/rooms/index.js')
const { serve } = require('../../__test__/support/clients/serve.js')
const { within } = require('../../__test__/support/events.js')
const { Audience } = require('../audience.js')
const { bridge } = require('./bridge.js')
const { LEAKS } = require('./leaks.js')
const { mix } = require('./mix.js')
const { resources } = require('./resources.js')

const leaks = process.argv.slice(2)

/** Who was killed is gone after this; the clients of a soak are never silent for so long. */
const TRANSPORT = { disconnectTimeout: 4000, connectTimeout: 10_000 }
/** Milliseconds that a client may take from its offer to an open channel. */
const JOIN = 15_000
/** Milliseconds until a media thread has to answer. */
const ANSWER = 30_000
/** Milliseconds until everything that is over has to be let go. */
const PATIENCE = 25_000

let endpoint, rooms, httpServer
const audience = new Audience(() => endpoint.createTransport(TRANSPORT))

async function open() {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2, mixingThreads: 1 })
  rooms = new Rooms({ endpoint, mixer: { audio: true, video: { width: 320, height: 240, frameRate: 10 } } })
  const app = express()
  app.use('/whip', whipRouter({ rooms, transport: TRANSPORT }))
  app.use('/whep', whepRouter({ rooms, transport: TRANSPORT }))
  httpServer = app.listen(0, '127.0.0.1')
  await once(httpServer, 'listening')
  return { url: `http://127.0.0.1:${httpServer.address().port}`, ports: endpoint.addresses.map(({ port }) => port) }
}

async function close() {
  rooms.close()
  httpServer.closeAllConnections()
  httpServer.close()
  await once(httpServer, 'close')
  await endpoint.close()
  endpoint = rooms = httpServer = undefined
}

const transportOf = id => {
  const transport = endpoint.transports.find(transport => transport.id === id)
  if (!transport) throw new Error(`transport ${id} is gone`)
  return transport
}

/** What is still there, `null` when nothing is. */
async function left() {
  const { threads, transports, mixers } = await within(ANSWER, endpoint.getStats(), 'statistics')
  const open = {
    transports: endpoint.transports.length + transports.length,
    'transports of threads': threads.reduce((sum, thread) => sum + thread.transports, 0),
    mixers: endpoint.mixers.length + mixers.length,
    detectors: endpoint.activeSpeakerDetectors.length,
    rooms: rooms.size
  }
  return Object.values(open).some(Boolean) ? open : null
}

serve({
  open,
  /** A whole endpoint goes and another one comes, whoever is on it. */
  async reopen() {
    await close()
    audience.clear()
    return open()
  },
  joinAudience: (group, offer) => audience.join(group, offer),
  /** A client that talks: its channel is answered, and it is offered what `watches` sends. */
  async join(offer) {
    const transport = endpoint.createTransport(TRANSPORT)
    transport.on('error', () => {})
    transport.appData = once(transport, 'datachannel', { signal: AbortSignal.timeout(JOIN) })
    // Whoever waits for it says so by `opened`.
    transport.appData.catch(() => {})
    transport.on('datachannel', channel => {
      channel.on('error', () => {})
      channel.on('message', data => echo(channel, data))
    })
    return { id: transport.id, sdp: await transport.acceptOffer(offer) }
  },
  /** Until its first channel is open. */
  async opened(id) {
    await transportOf(id).appData
  },
  watch(id, source) {
    const stream = transportOf(id).createOutgoingStream({ audio: 1, video: 1 })
    for (const track of transportOf(source).incomingTracks) stream[track.kind][0].attachTo(track)
  },
  /** Takes the last stream away again. */
  unwatch: id => transportOf(id).outgoingStreams.at(-1)?.close(),
  offer: (id, options) => transportOf(id).createOffer(options),
  answer: (id, sdp) => transportOf(id).acceptAnswer(sdp),
  openChannels(id, count) {
    for (let number = 0; number < count; number++) {
      const channel = transportOf(id).createDataChannel(`of the server ${number}`)
      channel.on('error', () => {})
      if (number % 2 === 0) channel.on('open', () => channel.close())
    }
  },
  leave: id => transportOf(id).close(),
  mix: options => mix(endpoint, options),
  setMode: (room, mode) => rooms.get(room)?.setMode(mode),
  bridge: options => bridge(endpoint, options),
  /** Waits until nothing is left of what happened, and says what the process uses then. */
  async rest() {
    const deadline = Date.now() + PATIENCE
    let open = await left()
    while (open && Date.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 100))
      open = await left()
    }
    audience.clear()
    httpServer.closeIdleConnections()
    // What was closed just now is let go in turns of the loop.
    await new Promise(resolve => setTimeout(resolve, 300))
    for (const leak of leaks) LEAKS[leak](endpoint)
    const rest = open ? Object.values(open).reduce((sum, number) => sum + number, 0) : 0
    return { ...(await resources()), open: rest, left: open }
  }
})

function echo(channel, data) {
  try {
    channel.send(data)
  } catch {
    // It closed meanwhile, or its queue is full.
  }
}
