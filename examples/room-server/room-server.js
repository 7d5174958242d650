import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { Endpoint } from 'medialoom'
import { Rooms } from 'medialoom/rooms'
import { Access, linkTo } from './access.js'
import { createAdminApplication, createApplication } from './application.js'
import { DEFAULT_DRAIN_SECONDS } from './config.js'
import { Entrance } from './entrance.js'
import { closeServer, createHttpServer, listen, renewCertificate } from './http-server.js'
import { Inputs } from './inputs.js'
import { LIMITS } from './limits.js'
import { createMetrics } from './metrics.js'
import { Recordings } from './recordings.js'
import { tellWebhooks } from './room-events.js'
import { Signaling } from './signaling.js'
import { Visitors } from './visitor.js'
import { Webhook } from './webhooks.js'

/** Milliseconds for webhooks when the server stops. */
const FAREWELL_MS = 2000
/** Milliseconds for recordings; what is not stored by then is with the next start. */
const RECORDINGS_MS = 3000

/**
 * Starts everything: media endpoint, rooms, HTTP and WebSocket.
 *
 * @param {import('./config.js').Config} config
 */
export async function startRoomServer(config) {
  const limits = { ...LIMITS, ...config.limits }
  const access = new Access({ ...(config.open && { open: true }), ...(config.keys && { keys: config.keys }) })
  const visitors = new Visitors(config)
  const httpServer = await createHttpServer({ ...(config.tls && { tls: config.tls }), limits, visitors })
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
    ...(config.mixer !== undefined && { mixer: config.mixer })
  })
  const entrance = new Entrance({ rooms, access, visitors, limits, ...(config.banBy && { banBy: config.banBy }) })
  const recordings = config.recordings ? new Recordings(config.recordings, rooms) : null
  const signaling = new Signaling({ httpServer, rooms, limits, iceServers: config.iceServers, entrance, recordings })
  const inputs = new Inputs({ rooms, entrance, access, limits, config })
  const webhooks = (config.webhooks ?? []).map(url => new Webhook(url, access.keys))
  tellWebhooks(rooms, webhooks)
  const metrics = createMetrics({ endpoint, rooms, signaling, webhooks })
  const parts = { rooms, signaling, metrics, limits, access, entrance, config, inputs, recordings }
  httpServer.on('request', createApplication(parts))
  const adminServer = http.createServer()

  let port
  let adminPort
  try {
    await recordings?.recover()
    await inputs.listen()
    port = await listen(httpServer, config.port, config.host)
    if (config.admin) {
      adminServer.on('request', createAdminApplication({ ...parts, address: config.admin.host }))
      adminPort = await listen(adminServer, config.admin.port, config.admin.host)
    }
  } catch (error) {
    await closeServer(httpServer)
    await endpoint.close()
    throw error
  }
  const shownHost = !config.host || config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  const url = `${config.tls ? 'https' : 'http'}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}/`

  return {
    url,
    port,
    adminPort,
    endpoint,
    rooms,
    signaling,
    access,
    entrance,
    recordings,
    webhooks,
    inputs,
    /** A link that lets whoever opens it do everything: for the host. */
    async hostLink() {
      const site = config.baseUrl && URL.canParse(config.baseUrl) ? config.baseUrl : url
      return access.open ? site : linkTo(site, null, await access.hostToken())
    },
    /** The certificate files were renewed. */
    async renewCertificate() {
      if (config.tls) await renewCertificate(httpServer, config.tls)
    },
    /**
     * Lets nobody in any more, tells those who are in a room to go, and waits until they have gone, or
     * until the deadline.
     */
    async drain() {
      const { seconds = DEFAULT_DRAIN_SECONDS, url: elsewhere } = config.drain ?? {}
      entrance.draining = true
      signaling.move({ deadline: Date.now() + 1000 * seconds, ...(elsewhere !== undefined && { url: elsewhere }) })
      await emptied(rooms, 1000 * seconds)
    },
    async close() {
      entrance.draining = true
      // They end before everybody has gone, and become whole meanwhile.
      const recorded = recordings?.close()
      rooms.close()
      signaling.close()
      entrance.close()
      httpServer.closeIdleConnections()
      await Promise.race([recorded, new Promise(resolve => setTimeout(resolve, RECORDINGS_MS).unref())])
      // Everyone has left by now, and that is told as well.
      await Promise.all([endpoint.close(), ...webhooks.map(webhook => webhook.close(FAREWELL_MS))])
      await Promise.all([closeServer(httpServer), closeServer(adminServer)])
    }
  }
}

/**
 * @param {Rooms} rooms
 * @param {number} patience milliseconds
 * @returns {Promise<void>} when nobody is in any room, or that time is over
 */
function emptied(rooms, patience) {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, patience)
    const check = () => {
      if (rooms.size === 0) done()
    }
    for (const room of rooms) room.once('closed', () => setImmediate(check))
    check()
  })
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
