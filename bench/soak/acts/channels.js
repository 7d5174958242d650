'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { startClient } = require('../process.js')

const CHANNELS = 12
const MESSAGES = 6
const BYTES = 4000

/** Data alone: channels of both sides come and go, messages are on their way when the peer vanishes. */
async function channels({ server, lossy, number, milliseconds, count }) {
  const client = await startClient('data')
  try {
    const { id, sdp } = await count(server.call('join', await client.call('start')))
    await client.call('acceptAnswer', number % 2 === 0 ? sdp : await lossy(sdp))
    await count(server.call('opened', id), 0)
    for (let round = 0; round < 3; round++) {
      await client.call('openMore', CHANNELS)
      await server.call('openChannels', id, CHANNELS)
      await sleep(milliseconds / 3)
      await client.call('send', MESSAGES, BYTES)
      await client.call('closeSome')
    }
    if (number % 3 === 0) await client.call('leave')
    await client.call('report')
  } finally {
    await client.kill()
  }
}

module.exports = { channels }
