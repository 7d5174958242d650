'use strict'

const { once } = require('node:events')
const { Endpoint } = require('../..')

/** Milliseconds until two endpoints of one process have to be connected. */
const PATIENCE = 10_000

/**
 * Another endpoint comes, connects to this one by some transports with channels and tracks, and is
 * closed with all of them at once.
 */
async function bridge(endpoint, { transports }) {
  const other = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  try {
    for (let count = 0; count < transports; count++) await connect(other, endpoint)
  } finally {
    await other.close()
  }
}

async function connect(from, to) {
  const client = from.createTransport({ iceLite: false })
  const server = to.createTransport({ disconnectTimeout: 5000 })
  for (const transport of [client, server]) transport.on('error', () => {})
  client.createOutgoingStream({ audio: 1, video: 1 })
  const channel = client.createDataChannel('bridge')
  const opened = once(channel, 'open', { signal: AbortSignal.timeout(PATIENCE) })
  await client.acceptAnswer(await server.acceptOffer(await client.createOffer()))
  await opened
  channel.send('across')
}

module.exports = { bridge }
