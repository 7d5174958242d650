import { readConfig } from './config.js'
import { startRoomServer } from './room-server.js'

/** Open connections get this many milliseconds to finish when the server is told to stop. */
const SHUTDOWN_MS = 5000

const config = readConfig(process.env)
if (!config.ok) {
  console.error(config.message)
  process.exit(2)
}

const server = await startRoomServer(config.value).catch(error => {
  console.error(`The room server could not start: ${error.message}`)
  process.exit(1)
})
console.log(`Rooms are open at ${server.url}`)
for (const address of server.endpoint.addresses) {
  console.log(`Media: ${address.protocol} port ${address.port} on ${address.announcedIps.join(', ')}`)
}

let stopping = false
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, async () => {
    // Asked twice, they mean it.
    if (stopping) process.exit(1)
    stopping = true
    console.log('Stopping: everyone is told to come back later')
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref()
    await server.close()
    process.exit(0)
  })
}
