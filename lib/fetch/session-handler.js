'use strict'

const { PATH } = require('../http/base-url.js')
const { Problem } = require('../http/problem.js')

/**
 * A handler of the web for an endpoint that takes sessions by HTTP.
 *
 * @param {import('../http/session-endpoint.js').SessionEndpoint<Request>} endpoint
 * @param {unknown} path before the room
 * @returns {import('./index.js').SessionHandler}
 */
function sessionHandler(endpoint, path) {
  const prefix = typeof path === 'string' ? path.replace(/\/$/, '') : ''
  if (typeof path !== 'string' || !PATH.test(prefix)) throw new TypeError("options.path must be a path such as '/whip'")
  return async request => {
    try {
      return toResponse(await endpoint.handle(toHttpRequest(request)))
    } catch (error) {
      const { headers, ...refusal } = endpoint.refuse(error)
      return toResponse({ ...refusal, headers: { ...endpoint.headersFor(request.headers.get('Origin') ?? undefined), ...headers } })
    }
  }

  /**
   * @param {Request} request
   * @returns {import('../http/request.js').HttpRequest<Request>}
   */
  function toHttpRequest(request) {
    const { pathname, searchParams } = new URL(request.url)
    const [room = '', session, ...more] = pathname.startsWith(`${prefix}/`)
      ? pathname
          .slice(prefix.length + 1)
          .replace(/\/$/, '')
          .split('/')
      : []
    if (room === '' || more.length > 0) throw new Problem(404, 'there is nothing here')
    return {
      method: request.method,
      room: decode(room),
      session: session === undefined ? null : decode(session),
      header: name => request.headers.get(name) ?? undefined,
      query: searchParams,
      text: () => readText(request, endpoint.maxBodySize),
      prefix,
      original: request
    }
  }
}

/** @param {string} part of a path */
function decode(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Problem(400, 'the path is not encoded as UTF-8')
  }
}

/**
 * @param {Request} request
 * @param {number} most bytes
 */
async function readText(request, most) {
  const encoding = request.headers.get('Content-Encoding')
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') {
    throw new Problem(415, 'the body must not be compressed', { headers: { 'Accept-Encoding': 'identity' } })
  }
  const tooLarge = () => new Problem(413, `the body must have at most ${most} bytes`)
  // What says that it is too large need not come.
  if (Number(request.headers.get('Content-Length')) > most) throw tooLarge()
  if (!request.body) return ''
  /** @type {Uint8Array[]} */
  const chunks = []
  let size = 0
  for (let reader = request.body.getReader(); ;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks).toString()
    size += value.byteLength
    if (size > most) {
      void reader.cancel().catch(() => {})
      throw tooLarge()
    }
    chunks.push(value)
  }
}

/** @param {import('../http/request.js').HttpResponse} answer */
function toResponse({ status, headers, body }) {
  return new Response(body ?? null, { status, headers })
}

exports.sessionHandler = sessionHandler
