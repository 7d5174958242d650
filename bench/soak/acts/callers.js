'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { startClient } = require('../process.js')

/** What each client can do once it is connected: restart ICE, and receive on a line that fell silent. */
const CALLERS = {
  wrtc: { restarts: true },
  werift: { restarts: false },
  'node-datachannel': { restarts: false }
}

/**
 * Two clients of a kind call each other: audio, video and a channel both ways, renegotiated, ICE
 * restarted. One of them leaves in order, the other is killed.
 */
async function callers({ server, lossy, number, milliseconds, count }) {
  const names = Object.keys(CALLERS)
  const name = names[number % names.length]
  const clients = []
  try {
    const [ada, bob] = [await join(), await join()]
    for (const [from, to] of [
      [ada, bob],
      [bob, ada]
    ]) {
      await server.call('watch', to.id, from.id)
      await negotiate(to)
    }
    await ada.client.call('send', 'hello')
    await sleep(milliseconds / 2)
    if (CALLERS[name].restarts) await negotiate(ada, { iceRestart: true })
    await server.call('unwatch', bob.id)
    await negotiate(bob)
    await sleep(milliseconds / 2)
    await server.call('leave', ada.id)
  } finally {
    await Promise.all(clients.map(client => client.kill()))
  }

  async function join() {
    const client = await startClient(name)
    clients.push(client)
    const joined = await count(server.call('join', await client.call('start')))
    await client.call('acceptAnswer', number % 2 === 0 ? await lossy(joined.sdp) : joined.sdp)
    await count(server.call('opened', joined.id), 0)
    return { client, id: joined.id }
  }

  async function negotiate({ client, id }, options = {}) {
    const offer = await server.call('offer', id, options)
    await server.call('answer', id, await client.call('acceptOffer', offer))
  }
}

module.exports = { callers }
