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
for (const line of await greeting(server)) console.log(line)
for (const address of server.endpoint.addresses) {
  console.log(`Media: ${address.protocol} port ${address.port} on ${address.announcedIps.join(', ')}`)
}

for (const [protocol, port] of Object.entries(server.inputs.ports)) console.log(`Encoders: ${protocol}, port ${port}, the key is a token`)

/** @type {'running' | 'draining' | 'stopping'} */
let state = 'running'
process.on('SIGTERM', async () => {
  // Asked twice, they mean it.
  if (state !== 'running') process.exit(1)
  state = 'draining'
  console.log('Draining: nobody new is let in, and everyone is told to go')
  await server.drain()
  await stop()
})
process.on('SIGINT', async () => {
  if (state === 'stopping') process.exit(1)
  await stop()
})
// Without a certificate it is what it always was: the terminal is gone.
if (config.value.tls) {
  process.on('SIGHUP', () => {
    server.renewCertificate().catch(error => console.error(`The certificate was not renewed: ${error.message}`))
  })
}

async function stop() {
  state = 'stopping'
  console.log('Stopping: everyone is told to come back later')
  setTimeout(() => process.exit(1), SHUTDOWN_MS).unref()
  await server.close()
  process.exit(0)
}

/**
 * What is said at the start. The host's link is a secret, so it is printed only where there is no
 * other way to get in: who gave the server keys can make tokens, and has logs that others read.
 *
 * @param {typeof server} server
 * @returns {Promise<string[]>}
 */
async function greeting({ access, url, hostLink, adminPort }) {
  const admin = adminPort === undefined ? [] : [`Metrics and API without tokens: port ${adminPort}`]
  if (access.open)
    return [`Rooms are open at ${url}`, 'MEDIALOOM_OPEN: everybody may do everything here. That is for trying out.', ...admin]
  if (!access.ownSecret) return [`Rooms are open at ${url}`, 'for those with a token: npx medialoom ctl token makes one', ...admin]
  return [
    `Rooms are open at ${await hostLink()}`,
    'This is the link of the host, who may do everything. It ends with this process: MEDIALOOM_SECRET has links go on.',
    ...admin
  ]
}
