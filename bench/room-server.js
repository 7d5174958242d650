'use strict'

/** The room server under measurement, in a process of its own. Its members come by WebSocket from the parent process. */

const { sampled } = require('./sample.js')

async function main() {
  const [threads] = process.argv.slice(2)
  const { startRoomServer } = await import('../examples/room-server/room-server.js')
  const endpoint = { listen: [{ ip: '127.0.0.1' }], threads: Number(threads), tcp: false }
  const room = await startRoomServer({ port: 0, host: '127.0.0.1', endpoint, iceServers: [], open: true })
  process.on('message', async ({ type }) => process.send({ type: 'sample', sample: await sampled(room.endpoint, type) }))
  process.on('disconnect', () => process.exit())
  process.send({ type: 'ready', url: room.url })
}

main()
