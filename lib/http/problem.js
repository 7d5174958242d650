'use strict'

const { STATUS_CODES } = require('node:http')

/** An error with the HTTP status and headers to answer with. */
class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {{ code?: string, line?: string, field?: string, claim?: string, headers?: Record<string, string> }} [more]
   */
  constructor(status, detail, { headers = {}, ...members } = {}) {
    super(detail)
    this.status = status
    this.headers = headers
    this.members = members
  }
}

/** @type {Record<string, number>} */
const STATUS_OF_CODE = {
  // medialoom
  ERR_SDP: 400,
  ERR_CANDIDATE: 400,
  ERR_INVALID_ARG: 400,
  ERR_GLARE: 409,
  ERR_INVALID_STATE: 409,
  ERR_CLOSED: 404,
  ERR_LIMIT: 503,
  ERR_BUSY: 503,
  // medialoom/rooms
  ERR_ROOM_MODE: 409,
  ERR_ROOM_LIMIT: 503,
  ERR_PARTICIPANT_LIMIT: 503,
  ERR_BANNED: 403,
  ERR_FORBIDDEN: 403,
  ERR_LOBBY: 403,
  ERR_LOCKED: 403,
  ERR_RATE_LIMIT: 429,
  // body-parser
  'entity.too.large': 413,
  'encoding.unsupported': 415,
  'charset.unsupported': 415
}

/**
 * @param {any} error
 * @returns {Problem}
 */
function toProblem(error) {
  if (error instanceof Problem) return error
  const code = error?.code ?? error?.type
  // Express and its parsers put the status on errors that are the client's.
  const status = STATUS_OF_CODE[code] ?? error?.status
  if (!(status >= 400 && status < 500) && status !== 503)
    return new Problem(500, 'the server failed to handle the request', { code: 'ERR_INTERNAL' })
  const members = {
    ...(typeof error.code === 'string' && { code: error.code }),
    ...(typeof error.line === 'string' && { line: error.line }),
    ...(typeof error.field === 'string' && { field: error.field }),
    ...(typeof error.claim === 'string' && { claim: error.claim })
  }
  return new Problem(status, error.message, { ...members, headers: headersOf(error, status) })
}

/**
 * @param {any} error
 * @param {number} status
 * @returns {Record<string, string>}
 */
function headersOf(error, status) {
  if (status === 503) return { 'Retry-After': '10' }
  // What medialoom/auth says (RFC 6750 3), and what an application's own limits say (RFC 6585 4).
  if ((status === 401 || status === 403) && typeof error.challenge === 'string') return { 'WWW-Authenticate': error.challenge }
  if (status === 429) return { 'Retry-After': String(Number.isInteger(error.retryAfter) ? error.retryAfter : 10) }
  return {}
}

/**
 * Problem details (RFC 9457).
 *
 * @param {unknown} error
 * @param {(error: unknown) => void} onFault gets those that are not the client's
 * @returns {import('./request.js').HttpResponse}
 */
function problemResponse(error, onFault) {
  const problem = toProblem(error)
  if (problem.status === 500 && !(error instanceof Problem)) onFault(error)
  // RFC 9457 4.2.1: without a type of its own the title is the phrase of the status.
  const details = { type: 'about:blank', title: STATUS_CODES[problem.status], status: problem.status, detail: problem.message }
  return {
    status: problem.status,
    headers: { ...problem.headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ ...details, ...problem.members })
  }
}

exports.Problem = Problem
exports.problemResponse = problemResponse
