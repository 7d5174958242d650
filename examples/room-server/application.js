import path from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { whepRouter, whipRouter } from 'medialoom/express'
import { bearerToken } from './access.js'
import { apiRouter } from './api.js'
import { securityHeaders } from './headers.js'
import { hlsRouter } from './hls.js'
import { inputsRouter } from './inputs-api.js'
import { Refusal, problemOf } from './problem.js'
import { recordingsRouter } from './recordings-api.js'

const PAGE = fileURLToPath(new URL('page/', import.meta.url))
/** The browser's half of the package, as the page imports it. */
const CLIENT = path.dirname(fileURLToPath(import.meta.resolve('medialoom/client')))
/** Paths behind which something is done or told. */
const GUARDED = ['/whip', '/whep', '/api', '/metrics']

/**
 * @typedef {object} Parts
 * @property {import('medialoom/rooms').Rooms} rooms
 * @property {import('./signaling.js').Signaling} signaling
 * @property {ReturnType<typeof import('./metrics.js').createMetrics>} metrics
 * @property {import('./limits.js').Limits} limits
 * @property {import('./access.js').Access} access
 * @property {import('./entrance.js').Entrance} entrance
 * @property {import('./config.js').Config} config
 * @property {import('./inputs.js').Inputs} inputs
 * @property {import('./recordings.js').Recordings | null} recordings
 */

/**
 * The HTTP side of the room server: the page, WHIP, WHEP and what admins look at.
 *
 * @param {Parts} parts
 * @returns {express.Express}
 */
export function createApplication({ rooms, signaling, metrics, limits, access, entrance, inputs, config, recordings }) {
  const { visitors, addresses } = entrance
  const { baseUrl } = config
  const authorize = entrance.enter
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', config.trustProxy ?? false)
  app.use(securityHeaders({ visitors, tls: config.tls !== undefined }))
  app.use(GUARDED, (request, _response, next) => {
    const address = addresses.of(visitors.addressOf(request))
    address.request()
    if (!visitors.mayAsk(request)) throw new Refusal(403, 'pages of other sites may not ask here', { code: 'forbidden-origin' })
    entrance.as(address, next)
  })

  /** @type {import('medialoom/express').SessionRouterOptions} */
  const sessions = {
    rooms,
    authorize,
    iceServers: config.iceServers,
    maxSdpSize: limits.maxHttpSdpSize,
    cors: config.origins?.includes('*') ? '*' : (config.origins ?? false),
    onError: console.error,
    ...(baseUrl !== undefined && { baseUrl })
  }
  app.use('/whip', whipRouter(sessions))
  app.use('/whep', whepRouter(sessions))

  app.get('/healthz', (_request, response) => {
    const status = rooms.endpoint.closed ? 'closed' : entrance.draining ? 'draining' : 'ok'
    // A balancer sends nobody new to a server that says so.
    response.status(status === 'ok' ? 200 : 503).json({ status })
  })
  // On a port of their own they are out of reach for everybody else, token or not.
  if (!config.admin) app.get('/metrics', showMetrics(metrics, authorize))
  const siteOf = (/** @type {import('node:http').IncomingMessage} */ request) =>
    baseUrl && URL.canParse(baseUrl) ? baseUrl : `${visitors.siteOf(request)?.origin ?? ''}${baseUrl ?? ''}`
  app.use(hlsRouter({ rooms, authorize }))
  app.use('/api', inputsRouter({ rooms, inputs, access, authorize, siteOf, addressOf: request => visitors.addressOf(request) }))
  if (recordings) app.use('/api', recordingsRouter({ rooms, recordings, authorize }))
  app.use('/api', apiRouter({ rooms, signaling, access, authorize, siteOf }))

  // no-cache: revalidate, so that page and server are always of one version.
  const revalidated = {
    cacheControl: false,
    setHeaders: (/** @type {import('node:http').ServerResponse} */ response) => response.setHeader('Cache-Control', 'no-cache')
  }
  app.use(express.static(PAGE, revalidated))
  app.use('/client', express.static(CLIENT, revalidated))
  app.get('/admin', (_request, response) => response.sendFile('admin.html', { root: PAGE }))
  app.get('/r/:room', (_request, response) => response.sendFile('index.html', { root: PAGE }))
  app.get(['/r/:room/watch', '/hls/:room'], (_request, response) => response.sendFile('watch.html', { root: PAGE }))
  if (recordings) app.get('/r/:room/recordings/:recording', (_request, response) => response.sendFile('recording.html', { root: PAGE }))
  endWithProblems(app)
  return app
}

/**
 * What admins look at, for a port that nobody else reaches: it asks for no token.
 *
 * @param {Parts & { address: string }} parts with the address listened on
 * @returns {express.Express}
 */
export function createAdminApplication({ rooms, signaling, metrics, access, inputs, config, recordings, address }) {
  const authorize = async () => ({ permissions: { roomAdmin: true, roomRecord: true } })
  const app = express()
  app.disable('x-powered-by')
  app.use((request, _response, next) => {
    // A browser of somebody who sits at the server is a way in: pages of other sites could ask through
    // it, also under a name that they had resolve to this address.
    const { origin, host = '' } = request.headers
    const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
    const expected = name === 'localhost' || name === address || /^(?:\d+\.){3}\d+$|^\[.*\]$/.test(name)
    if (origin !== undefined || !expected) throw new Refusal(403, 'this port is not for pages', { code: 'forbidden-origin' })
    next()
  })
  app.get('/metrics', showMetrics(metrics, authorize))
  const site = config.baseUrl && URL.canParse(config.baseUrl) ? config.baseUrl : ''
  app.use(
    '/api',
    inputsRouter({ rooms, inputs, access, authorize, siteOf: () => site, addressOf: ({ socket }) => socket.remoteAddress ?? '' })
  )
  if (recordings) app.use('/api', recordingsRouter({ rooms, recordings, authorize }))
  app.use('/api', apiRouter({ rooms, signaling, access, authorize, siteOf: () => site }))
  endWithProblems(app)
  return app
}

/**
 * @param {Parts['metrics']} metrics
 * @param {import('./access.js').Authorize} authorize
 * @returns {express.RequestHandler}
 */
function showMetrics(metrics, authorize) {
  return async (request, response) => {
    await authorize(request, { action: 'observe', token: bearerToken(request) })
    response.set('Content-Type', metrics.contentType).send(await metrics.text())
  }
}

/** @param {express.Express} app */
function endWithProblems(app) {
  app.use(() => {
    throw new Refusal(404, 'there is nothing here')
  })
  /** @type {express.ErrorRequestHandler} */
  const onError = (error, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, headers, body } = problemOf(error)
    if (status === 500) console.error(error)
    response.status(status).set(headers).end(body)
  }
  app.use(onError)
}
