import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Endpoint } from 'medialoom'
import { Rooms } from 'medialoom/rooms'
import { createApplication } from './application.js'
import { LIMITS } from './limits.js'
import { createMetrics } from './metrics.js'
import { Signaling } from './signaling.js'

/**
 * Starts everything: media endpoint, rooms, HTTP and WebSocket.
 *
 * @param {import('./config.js').Config} config
 */
export async function startRoomServer(config) {
  const limits = { ...LIMITS, ...config.limits }
  const endpoint = await Endpoint.create(config.endpoint)
  try {
    for (const file of config.fonts ?? []) await addFont(endpoint, file)
  } catch (error) {
    await endpoint.close()
    throw error
  }
  endpoint.on('error', error => console.error(`medialoom: ${error.code} ${error.message}`))

  const rooms = new Rooms({
    endpoint,
    maxRooms: limits.maxRooms,
    maxParticipants: limits.maxParticipants,
    maxAudience: limits.maxAudience,
    maxNameLength: limits.maxNameLength,
    ...(config.mixer !== undefined && { mixer: config.mixer }),
  })
  const httpServer = createServer()
  const signaling = new Signaling({ httpServer, rooms, limits, iceServers: config.iceServers })
  const metrics = createMetrics({ endpoint, rooms, signaling })
  httpServer.on('request', createApplication({ rooms, signaling, metrics, limits, iceServers: config.iceServers, baseUrl: config.baseUrl }))

  try {
    httpServer.listen(config.port, config.host)
    await once(httpServer, 'listening')
  } catch (error) {
    await endpoint.close()
    throw error
  }
  const { port } = /** @type {import('node:net').AddressInfo} */ (httpServer.address())
  const shownHost = !config.host || config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  const url = `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}/`

  return {
    url,
    port,
    endpoint,
    rooms,
    signaling,
    async close() {
      const closed = once(httpServer, 'close')
      httpServer.close()
      rooms.close()
      signaling.close()
      httpServer.closeIdleConnections()
      await endpoint.close()
      httpServer.closeAllConnections()
      await closed
    },
  }
}

/**
 * @param {Endpoint} endpoint
 * @param {string} file
 */
async function addFont(endpoint, file) {
  const font = await readFile(file)
  try {
    endpoint.addFont(font)
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
