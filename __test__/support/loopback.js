'use strict'

const medialoom = require('../..')

/** An endpoint that no other machine can reach; closed when the test ends. */
async function loopbackEndpoint(t, options = {}) {
  const endpoint = await medialoom.Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1, ...options })
  t.after(() => endpoint.close())
  // A test that waits for an event must not end because nothing else keeps the process alive.
  return endpoint.ref()
}

/** `client` offers, `server` answers. Returns once both have what the other said. */
async function negotiate(client, server) {
  const answer = await server.acceptOffer(await client.createOffer())
  await client.acceptAnswer(answer)
}

function connected(transport, milliseconds = 15_000) {
  if (transport.state === 'connected') return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still ${transport.state} after ${milliseconds} ms`)), milliseconds)
    transport.on('state', state => {
      if (state !== 'connected' && state !== 'closed') return
      clearTimeout(timer)
      if (state === 'connected') resolve()
      else reject(new Error('closed before it was connected'))
    })
  })
}

/** Two transports of two endpoints, connected to each other, with a data channel between them. */
async function connectedPair(t, options = {}) {
  const [left, right] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  const client = left.createTransport({ iceLite: false, ...options.client })
  const server = right.createTransport(options.server)
  const announced = new Promise(resolve => server.once('datachannel', resolve))
  const clientChannel = client.createDataChannel('test')
  const both = Promise.all([connected(client), connected(server)])
  await negotiate(client, server)
  await both
  return { left, right, client, server, clientChannel, serverChannel: await announced }
}

module.exports = { connected, connectedPair, loopbackEndpoint, negotiate }
