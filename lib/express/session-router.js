'use strict'

const { randomBytes } = require('node:crypto')
const express = require('express')
const { Problem, problemDetails } = require('./problem.js')
const { checkBaseUrl, forwardedPrefix } = require('./public-url.js')

const SDP = 'application/sdp'
const FRAGMENT = 'application/trickle-ice-sdpfrag'

/**
 * One client that came by HTTP.
 *
 * @typedef {object} Session
 * @property {string} etag names the ICE session (RFC 9725 4.3.1)
 * @property {import('../rooms/index.js').Participant} participant
 * @property {string | null} token the bearer token it was opened with
 * @property {string | null} identity whose it is, where `authorize` told
 */

/**
 * What a client asks to open.
 *
 * @typedef {object} Wish
 * @property {string} room
 * @property {string | undefined} peer
 * @property {string | undefined} source
 * @property {string | null} token
 * @property {import('../auth/index.js').Authorization} authorization empty where `authorize` said no more than yes
 * @property {(participant: import('../rooms/index.js').Participant) => boolean} sameClient whether a
 *   participant came by a session of this router with the same identity or bearer token, or both with none
 */

/**
 * The HTTP half that WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) share: `POST` of an offer
 * makes a session resource; `PATCH` trickles candidates to it or restarts ICE; `DELETE` ends it.
 *
 * @param {import('./index.js').SessionRouterOptions} options
 * @param {'publish' | 'play'} action
 * @param {(offer: string, wish: Wish) => Promise<{ answer: string, participant: import('../rooms/index.js').Participant }>} open
 *   gives a participant that is new, or one that goes on by another session
 * @returns {import('express').Router}
 */
function sessionRouter(options, action, open) {
  const { authorize, maxSdpSize = 65536, iceServers = [], cors = '*', onError = () => {} } = options
  /** @type {Map<string, Session>} */
  const sessions = new Map()
  const baseUrl = checkBaseUrl(options.baseUrl)
  const links = iceServers.flatMap(toLinks)
  const allowedOrigin = corsPolicy(cors)
  const router = express.Router()
  /** Until the request has been answered. @type {WeakMap<import('express').Request, import('../auth/index.js').Authorization>} */
  const authorizations = new WeakMap()
  const allowed = settled(async (request, _response, next) => {
    if (authorize) {
      const token = bearerToken(request)
      const may = await authorize(request, { action, room: parameter(request, 'room'), peer: peerName(request), token })
      if (!may) {
        throw token === null
          ? new Problem(401, 'a bearer token is needed', { headers: { 'WWW-Authenticate': 'Bearer' } })
          : new Problem(403, 'the token does not allow this')
      }
      if (may !== true) authorizations.set(request, may)
    }
    next()
  })

  router.use((request, response, next) => {
    // Answers hold ICE passwords.
    response.set('Cache-Control', 'no-store')
    const origin = allowedOrigin(request.get('Origin'))
    if (Array.isArray(cors)) response.vary('Origin')
    if (origin !== null) {
      response.set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Expose-Headers': 'Location, ETag, Link, Accept-Post, Accept-Patch, WWW-Authenticate, Retry-After',
      })
    }
    next()
  })

  router.options('/:room', (_request, response) => preflight(response, 'POST', { 'Accept-Post': SDP }))
  router.options('/:room/:session', (_request, response) => preflight(response, 'PATCH, DELETE', { 'Accept-Patch': FRAGMENT }))

  router.post('/:room', allowed, contentType(SDP, 'Accept-Post'), body(SDP), settled(async (request, response) => {
    if (!request.accepts(SDP)) throw new Problem(406, `the answer comes as ${SDP}`)
    const offer = request.body
    if (typeof offer !== 'string' || offer === '') throw new Problem(400, 'the body must be an SDP offer')

    const token = bearerToken(request)
    const authorization = authorizations.get(request) ?? {}
    const room = parameter(request, 'room')
    if (authorization.mayCreate === false && !options.rooms.get(room)) {
      throw new Problem(403, 'nobody is in the room yet, and the token does not allow to make it', { code: 'ERR_TOKEN_GRANT' })
    }
    const identity = authorization.identity ?? null
    // Players are in a room without their identity, so the room itself would not know them again.
    if (identity !== null && options.rooms.get(room)?.banned.includes(identity)) {
      throw new Problem(403, 'you were banned from the room', { code: 'ERR_BANNED' })
    }
    const isTheirs = (/** @type {Session} */ session) => (identity === null ? session.token === token : session.identity === identity)
    const { answer, participant } = await open(offer, {
      room,
      peer: peerName(request),
      source: queryOf(request, 'source'),
      token,
      authorization,
      sameClient: other => [...sessions.values()].some(session => session.participant === other && isTheirs(session)),
    })
    // Where it goes on by this session, the one before is over.
    for (const [before, { participant: other }] of sessions) if (other === participant) sessions.delete(before)
    const id = randomBytes(16).toString('base64url')
    const session = { etag: newEtag(), participant, token, identity }
    sessions.set(id, session)
    participant.once('left', () => sessions.delete(id))
    // The peer may have gone between the answer and the join.
    if (participant.closed) sessions.delete(id)

    if (links.length > 0) response.set('Link', links.join(', '))
    response
      .status(201)
      .location(`${baseUrl ?? forwardedPrefix(request)}${request.baseUrl}/${encodeURIComponent(participant.room.name)}/${id}`)
      .set({ ETag: session.etag, 'Accept-Patch': FRAGMENT })
      .type(SDP)
      .send(answer)
  }))

  router.patch('/:room/:session', allowed, contentType(FRAGMENT, 'Accept-Patch'), body(FRAGMENT), settled(async (request, response) => {
    const session = find(request)
    const condition = request.get('If-Match')
    if (!condition) throw new Problem(428, 'If-Match must name the ETag of the ICE session, or be * to restart ICE')
    if (!matches(condition, session.etag)) {
      throw new Problem(412, 'If-Match names another ICE session than the current one', { headers: { ETag: session.etag } })
    }
    // RFC 8840 4.4: without them a fragment belongs to no ICE session.
    if (typeof request.body !== 'string' || !/^a=ice-ufrag:\S/m.test(request.body) || !/^a=ice-pwd:\S/m.test(request.body)) {
      throw new Problem(400, 'the body must be an SDP fragment (RFC 8840) with ice-ufrag and ice-pwd')
    }
    const { transport } = session.participant
    if (!transport) throw new Problem(404, 'the session is over')

    const restarted = await transport.acceptFragment(request.body)
    if (restarted === null) {
      response.status(204).set('ETag', session.etag).end()
      return
    }
    session.etag = newEtag()
    response.status(200).set('ETag', session.etag).type(FRAGMENT).send(restarted)
  }))

  router.delete('/:room/:session', allowed, (request, response) => {
    find(request).participant.leave('left')
    response.status(200).end()
  })

  // RFC 9725 4.2: the other methods are kept for later versions of the protocol.
  router.all('/:room', () => {
    throw new Problem(405, 'POST an SDP offer here', { headers: { Allow: 'OPTIONS, POST' } })
  })
  router.all('/:room/:session', () => {
    throw new Problem(405, 'PATCH or DELETE the session', { headers: { Allow: 'OPTIONS, PATCH, DELETE' } })
  })
  router.use(() => {
    throw new Problem(404, 'there is nothing here')
  })
  router.use(problemDetails(onError))
  return router

  /** @param {string} type */
  function body(type) {
    return express.text({ type, limit: maxSdpSize, defaultCharset: 'utf-8' })
  }

  /** @param {import('express').Request} request */
  function find(request) {
    const session = sessions.get(parameter(request, 'session'))
    if (!session || session.participant.room.name !== parameter(request, 'room').normalize('NFC')) {
      throw new Problem(404, 'there is no such session, or it is over')
    }
    // A token for the room is not one for everybody's sessions in it.
    const { identity, permissions } = authorizations.get(request) ?? {}
    if (session.identity !== null && session.identity !== identity && !permissions?.roomAdmin) {
      throw new Problem(403, 'the session is somebody else\'s', { code: 'ERR_TOKEN_GRANT' })
    }
    return session
  }

  /**
   * @param {import('express').Response} response
   * @param {string} methods
   * @param {Record<string, string>} accepts
   */
  function preflight(response, methods, accepts) {
    response.set({ ...accepts, Allow: `OPTIONS, ${methods}` })
    if (response.get('Access-Control-Allow-Origin') !== undefined) {
      response.set({
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': 'Authorization, Content-Type, If-Match',
        'Access-Control-Max-Age': '7200',
      })
    }
    response.status(204).end()
  }
}

/**
 * Which origin to allow, for the one that asks.
 *
 * @param {string | string[] | false} cors
 * @returns {(origin: string | undefined) => string | null}
 */
function corsPolicy(cors) {
  if (cors === false) return () => null
  if (typeof cors === 'string') return () => cors
  const origins = new Set(cors)
  return origin => (origin !== undefined && origins.has(origin) ? origin : null)
}

/**
 * What a token says of a participant, for the room that they join.
 *
 * @param {import('../auth/index.js').Authorization} authorization
 */
function joinOptionsOf({ identity, metadata, attributes, permissions }) {
  return {
    ...(identity !== undefined && { identity }),
    ...(metadata !== undefined && { metadata }),
    ...(attributes !== undefined && { attributes }),
    ...(permissions !== undefined && { permissions }),
  }
}

/**
 * Express 4 does not look at the promise of a handler; Express 5 does.
 *
 * @param {(request: import('express').Request, response: import('express').Response, next: import('express').NextFunction) => Promise<void>} handler
 * @returns {import('express').RequestHandler}
 */
function settled(handler) {
  return (request, response, next) => {
    handler(request, response, next).catch(next)
  }
}

/**
 * @param {string} type
 * @param {string} hint the header that names the right type (RFC 9110 15.5.16)
 * @returns {import('express').RequestHandler}
 */
function contentType(type, hint) {
  return (request, _response, next) => {
    const given = (request.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase()
    if (given !== type) throw new Problem(415, `the body must be ${type}`, { headers: { [hint]: type } })
    next()
  }
}

/**
 * @param {import('express').Request} request
 * @param {string} name
 */
function parameter(request, name) {
  return String(request.params[name])
}

/** RFC 6750 2.1. @param {import('express').Request} request */
function bearerToken(request) {
  const [, token = null] = /^Bearer +(\S+) *$/i.exec(request.get('Authorization') ?? '') ?? []
  return token
}

/** @param {import('express').Request} request */
function peerName(request) {
  return queryOf(request, 'peer')
}

/**
 * @param {import('express').Request} request
 * @param {string} name
 */
function queryOf(request, name) {
  const value = request.query[name]
  if (value !== undefined && typeof value !== 'string') throw new Problem(400, `${name} must be given once`)
  return value
}

function newEtag() {
  return `"${randomBytes(12).toString('base64url')}"`
}

/**
 * @param {string} condition
 * @param {string} etag
 */
function matches(condition, etag) {
  return condition.trim() === '*' || condition.split(',').some(one => one.trim() === etag)
}

/**
 * RFC 9725 4.6
 * @param {import('./index.js').IceServer} server
 */
function toLinks({ urls, username, credential }) {
  const quoted = (/** @type {string} */ text) => `"${text.replace(/["\\]/g, '\\$&')}"`
  const login = username === undefined ? '' : `; username=${quoted(username)}; credential=${quoted(credential ?? '')}; credential-type="password"`
  return [urls].flat().map(url => `<${url}>; rel="ice-server"${login}`)
}

exports.joinOptionsOf = joinOptionsOf
exports.sessionRouter = sessionRouter
