import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { network } from './addresses.js'

/** Milliseconds in which a request has to have come: its headers, and all of it. */
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000

/**
 * A server that clients reach, which closes connections that do not get on and those that are too
 * many of one address.
 *
 * @param {object} options
 * @param {import('./config.js').Config['tls']} [options.tls]
 * @param {import('./limits.js').Limits} options.limits
 * @param {import('./visitor.js').Visitors} options.visitors
 */
export async function createHttpServer({ tls, limits, visitors }) {
  const timeouts = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: HEADERS_MS / 2 }
  const server = tls ? https.createServer({ ...timeouts, ...(await readCertificate(tls)) }) : http.createServer(timeouts)
  /** @type {Map<string, number>} */
  const sockets = new Map()
  server.on('connection', socket => {
    const { remoteAddress } = socket
    // A proxy has everybody's connections, and limits of its own.
    if (remoteAddress === undefined || visitors.isProxy(remoteAddress)) return
    const key = network(remoteAddress)
    const count = (sockets.get(key) ?? 0) + 1
    if (count > limits.maxSocketsPerAddress) {
      socket.destroy()
      return
    }
    sockets.set(key, count)
    socket.once('close', () => {
      const left = (sockets.get(key) ?? 1) - 1
      if (left === 0) sockets.delete(key)
      else sockets.set(key, left)
    })
  })
  return server
}

/**
 * A certificate that was renewed, for connections from now on.
 *
 * @param {http.Server | https.Server} server
 * @param {NonNullable<import('./config.js').Config['tls']>} tls
 */
export async function renewCertificate(server, tls) {
  if (server instanceof https.Server) server.setSecureContext(await readCertificate(tls))
}

/** @param {NonNullable<import('./config.js').Config['tls']>} tls */
async function readCertificate({ cert, key }) {
  return { cert: await readFile(cert), key: await readFile(key) }
}

/**
 * @param {http.Server} server
 * @param {number} port
 * @param {string | undefined} host
 * @returns {Promise<number>} the port that it listens on
 */
export async function listen(server, port, host) {
  server.listen(port, host)
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

/** @param {http.Server} server */
export async function closeServer(server) {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
