import path from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { whepRouter, whipRouter } from 'medialoom/express'
import { roomDetails, roomView } from './views.js'

const PAGE = fileURLToPath(new URL('page/', import.meta.url))
/** The browser's half of the package, as the page imports it. */
const CLIENT = path.dirname(fileURLToPath(import.meta.resolve('medialoom/client')))

/**
 * The HTTP side of the room server: the page, WHIP, WHEP and what operators look at.
 *
 * @param {object} parts
 * @param {import('medialoom/rooms').Rooms} parts.rooms
 * @param {import('./signaling.js').Signaling} parts.signaling
 * @param {ReturnType<typeof import('./metrics.js').createMetrics>} parts.metrics
 * @param {import('./limits.js').Limits} parts.limits
 * @param {import('./config.js').Config['iceServers']} parts.iceServers
 * @param {import('./config.js').Config['baseUrl']} [parts.baseUrl]
 * @returns {express.Express}
 */
export function createApplication({ rooms, signaling, metrics, limits, iceServers, baseUrl }) {
  const app = express()
  app.disable('x-powered-by')
  app.use((_request, response, next) => {
    response.set({
      'Content-Security-Policy': "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    })
    next()
  })

  const sessions = { rooms, iceServers, maxSdpSize: limits.maxHttpSdpSize, onError: console.error, ...(baseUrl !== undefined && { baseUrl }) }
  app.use('/whip', whipRouter(sessions))
  app.use('/whep', whepRouter(sessions))

  app.get('/healthz', (_request, response) => {
    const open = !rooms.endpoint.closed
    response.status(open ? 200 : 503).json({ status: open ? 'ok' : 'closed', rooms: rooms.size })
  })
  app.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.contentType).send(await metrics.text())
  })
  app.get('/api/rooms', (_request, response) => {
    response.json({ rooms: [...rooms].map(roomView) })
  })
  app.get('/api/rooms/:room', (request, response) => {
    const room = rooms.get(request.params.room)
    if (!room) {
      problem(response, 404, 'Not Found', 'there is no such room: rooms exist while someone is in them')
      return
    }
    response.json(roomDetails(room, signaling.roomSignaling(room)))
  })

  // no-cache: revalidate, so that page and server are always of one version.
  const revalidated = { cacheControl: false, setHeaders: (/** @type {import('node:http').ServerResponse} */ response) => response.setHeader('Cache-Control', 'no-cache') }
  app.use(express.static(PAGE, revalidated))
  app.use('/client', express.static(CLIENT, revalidated))
  app.get('/r/:room', (_request, response) => response.sendFile('index.html', { root: PAGE }))

  app.use((_request, response) => problem(response, 404, 'Not Found', 'there is nothing here'))
  /** @type {express.ErrorRequestHandler} */
  const onError = (error, _request, response, next) => {
    if (response.headersSent) return next(error)
    const status = error.status >= 400 && error.status < 500 ? error.status : 500
    if (status === 500) console.error(error)
    problem(response, status, status === 500 ? 'Internal Server Error' : 'Bad Request', status === 500 ? 'the server failed' : error.message)
  }
  app.use(onError)
  return app
}

/**
 * Problem details, RFC 9457.
 * @param {express.Response} response
 * @param {number} status
 * @param {string} title
 * @param {string} detail
 */
function problem(response, status, title, detail) {
  response.status(status).type('application/problem+json').send(JSON.stringify({ type: 'about:blank', title, status, detail }))
}
