'use strict'

const { randomBytes } = require('node:crypto')
const { checkBaseUrl } = require('./base-url.js')
const { corsHeaders } = require('./cors.js')
const { toLinks } = require('./links.js')
const { Problem, problemResponse } = require('./problem.js')
const { accepts, bearerToken, checkContentType, queryOf } = require('./request.js')

const SDP = 'application/sdp'
const FRAGMENT = 'application/trickle-ice-sdpfrag'

/**
 * @template Original
 * @typedef {import('./request.js').HttpRequest<Original>} HttpRequest
 */
/** @typedef {import('./request.js').HttpResponse} HttpResponse */

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
 *   participant came by a session of this endpoint with the same identity or bearer token, or both with none
 */

/**
 * The half of HTTP that WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) share: `POST` of an offer
 * makes a session resource; `PATCH` trickles candidates to it or restarts ICE; `DELETE` ends it.
 *
 * @template Original the web server's own requests
 */
class SessionEndpoint {
  /** @type {Map<string, Session>} */
  #sessions = new Map()
  #options
  #action
  #open
  #baseUrl
  #links
  #cors

  /**
   * @param {import('./options.js').SessionOptions<Original>} options
   * @param {'publish' | 'play'} action
   * @param {(offer: string, wish: Wish) => Promise<{ answer: string, participant: import('../rooms/index.js').Participant }>} open
   *   gives a participant that is new, or one that goes on by another session
   */
  constructor(options, action, open) {
    this.#options = options
    this.#action = action
    this.#open = open
    this.#baseUrl = checkBaseUrl(options.baseUrl)
    this.#links = (options.iceServers ?? []).flatMap(toLinks).join(', ')
    this.#cors = corsHeaders(options.cors ?? '*')
  }

  /** Largest body in bytes. */
  get maxBodySize() {
    return this.#options.maxSdpSize ?? 65536
  }

  /**
   * What every answer has, whatever it is.
   * @param {string | undefined} origin
   * @returns {Record<string, string>}
   */
  headersFor(origin) {
    // Answers hold ICE passwords.
    return { 'Cache-Control': 'no-store', ...this.#cors(origin) }
  }

  /**
   * @param {HttpRequest<Original>} request
   * @returns {Promise<HttpResponse>}
   */
  async handle(request) {
    let response
    try {
      response = await this.#answer(request)
    } catch (error) {
      response = this.refuse(error)
    }
    return { ...response, headers: { ...this.headersFor(request.header('Origin')), ...response.headers } }
  }

  /** @param {unknown} error @returns {HttpResponse} problem details */
  refuse(error) {
    return problemResponse(error, this.#options.onError ?? (() => {}))
  }

  /**
   * @param {HttpRequest<Original>} request
   * @returns {Promise<HttpResponse> | HttpResponse}
   */
  #answer(request) {
    const { session, method } = request
    if (session === null) {
      if (method === 'POST') return this.#post(request)
      if (method === 'OPTIONS') return this.#preflight(request, 'POST', { 'Accept-Post': SDP })
      // RFC 9725 4.2: the other methods are kept for later versions of the protocol.
      throw new Problem(405, 'POST an SDP offer here', { headers: { Allow: 'OPTIONS, POST' } })
    }
    if (method === 'PATCH') return this.#patch(request, session)
    if (method === 'DELETE') return this.#delete(request, session)
    if (method === 'OPTIONS') return this.#preflight(request, 'PATCH, DELETE', { 'Accept-Patch': FRAGMENT })
    throw new Problem(405, 'PATCH or DELETE the session', { headers: { Allow: 'OPTIONS, PATCH, DELETE' } })
  }

  /** @param {HttpRequest<Original>} request @returns {Promise<HttpResponse>} */
  async #post(request) {
    const authorization = await this.#authorize(request)
    checkContentType(request.header('Content-Type'), SDP, 'Accept-Post')
    const offer = await request.text(SDP)
    if (!accepts(request.header('Accept'), SDP)) throw new Problem(406, `the answer comes as ${SDP}`)
    if (typeof offer !== 'string' || offer === '') throw new Problem(400, 'the body must be an SDP offer')

    const { room } = request
    if (authorization.mayCreate === false && !this.#options.rooms.get(room)) {
      throw new Problem(403, 'nobody is in the room yet, and the token does not allow to make it', { code: 'ERR_TOKEN_GRANT' })
    }
    const token = bearerToken(request.header('Authorization'))
    const identity = authorization.identity ?? null
    const isTheirs = (/** @type {Session} */ session) => (identity === null ? session.token === token : session.identity === identity)
    const { answer, participant } = await this.#open(offer, {
      room,
      peer: queryOf(request.query, 'peer'),
      source: queryOf(request.query, 'source'),
      token,
      authorization,
      sameClient: other => [...this.#sessions.values()].some(session => session.participant === other && isTheirs(session))
    })
    const { id, etag } = this.#keep({ etag: newEtag(), participant, token, identity })
    return {
      status: 201,
      headers: {
        ...(this.#links !== '' && { Link: this.#links }),
        Location: `${this.#baseUrl ?? ''}${request.prefix}/${encodeURIComponent(participant.room.name)}/${id}`,
        ETag: etag,
        'Accept-Patch': FRAGMENT,
        'Content-Type': SDP
      },
      body: answer
    }
  }

  /** @param {Session} session */
  #keep(session) {
    const { participant } = session
    // Where it goes on by this session, the one before is over.
    for (const [before, { participant: other }] of this.#sessions) if (other === participant) this.#sessions.delete(before)
    const id = randomBytes(16).toString('base64url')
    this.#sessions.set(id, session)
    participant.once('left', () => this.#sessions.delete(id))
    // The peer may have gone between the answer and the join.
    if (participant.closed) this.#sessions.delete(id)
    return { id, etag: session.etag }
  }

  /**
   * @param {HttpRequest<Original>} request
   * @param {string} id
   * @returns {Promise<HttpResponse>}
   */
  async #patch(request, id) {
    const authorization = await this.#authorize(request)
    checkContentType(request.header('Content-Type'), FRAGMENT, 'Accept-Patch')
    const fragment = await request.text(FRAGMENT)
    const session = this.#find(request, id, authorization)
    const condition = request.header('If-Match')
    if (!condition) throw new Problem(428, 'If-Match must name the ETag of the ICE session, or be * to restart ICE')
    if (!matches(condition, session.etag)) {
      throw new Problem(412, 'If-Match names another ICE session than the current one', { headers: { ETag: session.etag } })
    }
    // RFC 8840 4.4: without them a fragment belongs to no ICE session.
    if (typeof fragment !== 'string' || !/^[ \t]*a=ice-ufrag:[ \t]*\S/m.test(fragment) || !/^[ \t]*a=ice-pwd:[ \t]*\S/m.test(fragment)) {
      throw new Problem(400, 'the body must be an SDP fragment (RFC 8840) with ice-ufrag and ice-pwd')
    }
    const { transport } = session.participant
    if (!transport) throw new Problem(404, 'the session is over')

    const restarted = await transport.acceptFragment(fragment)
    if (restarted === null) return { status: 204, headers: { ETag: session.etag } }
    session.etag = newEtag()
    return { status: 200, headers: { ETag: session.etag, 'Content-Type': FRAGMENT }, body: restarted }
  }

  /**
   * @param {HttpRequest<Original>} request
   * @param {string} id
   * @returns {Promise<HttpResponse>}
   */
  async #delete(request, id) {
    const authorization = await this.#authorize(request)
    this.#find(request, id, authorization).participant.leave('left')
    return { status: 200, headers: {} }
  }

  /**
   * @param {HttpRequest<Original>} request
   * @param {string} methods
   * @param {Record<string, string>} accepted
   * @returns {HttpResponse}
   */
  #preflight(request, methods, accepted) {
    const mayAsk = 'Access-Control-Allow-Origin' in this.#cors(request.header('Origin'))
    return {
      status: 204,
      headers: {
        ...accepted,
        Allow: `OPTIONS, ${methods}`,
        ...(mayAsk && {
          'Access-Control-Allow-Methods': methods,
          'Access-Control-Allow-Headers': 'Authorization, Content-Type, If-Match',
          'Access-Control-Max-Age': '7200'
        })
      }
    }
  }

  /**
   * @param {HttpRequest<Original>} request
   * @returns {Promise<import('../auth/index.js').Authorization>}
   */
  async #authorize(request) {
    const { authorize } = this.#options
    if (!authorize) return {}
    const token = bearerToken(request.header('Authorization'))
    const context = { action: this.#action, room: request.room, peer: queryOf(request.query, 'peer'), token }
    const may = await authorize(request.original, context)
    if (may) return may === true ? {} : may
    throw token === null
      ? new Problem(401, 'a bearer token is needed', { headers: { 'WWW-Authenticate': 'Bearer' } })
      : new Problem(403, 'the token does not allow this')
  }

  /**
   * @param {HttpRequest<Original>} request
   * @param {string} id
   * @param {import('../auth/index.js').Authorization} authorization
   */
  #find(request, id, { identity, permissions }) {
    const session = this.#sessions.get(id)
    if (!session || session.participant.room.name !== request.room.normalize('NFC')) {
      throw new Problem(404, 'there is no such session, or it is over')
    }
    // A token for the room is not one for everybody's sessions in it.
    if (session.identity !== null && session.identity !== identity && !permissions?.roomAdmin) {
      throw new Problem(403, "the session is somebody else's", { code: 'ERR_TOKEN_GRANT' })
    }
    return session
  }
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

exports.SessionEndpoint = SessionEndpoint
