import { STATUS_CODES } from 'node:http'
import { AuthError } from 'medialoom/auth'
import { RoomError } from 'medialoom/rooms'
import { TooMany } from './addresses.js'

/** What rooms refuse. @type {Record<string, number>} */
const STATUS_OF_CODE = {
  ERR_INVALID_ARG: 400,
  ERR_SDP: 400,
  ERR_CODEC_MISMATCH: 422,
  ERR_LISTEN: 503,
  ERR_LIMIT: 503,
  ERR_BUSY: 503,
  ERR_PARTICIPANT_LIMIT: 409,
  ERR_LOCKED: 409,
  ERR_LOBBY: 409,
  ERR_BANNED: 403,
  ERR_ROOM_LIMIT: 503,
  ERR_ROOM_MODE: 409,
  ERR_RATE_LIMIT: 429,
  ERR_ENCRYPTED: 409,
  ERR_RECORDING_LIMIT: 409,
  ERR_IO: 507,
  ERR_CLOSED: 404
}

/** A request that is not done: the status and what else to answer with. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {{ code?: string, field?: string, headers?: Record<string, string> }} [more]
   */
  constructor(status, message, { code, field, headers = {} } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.field = field
    this.headers = headers
  }
}

/** Whether it is for whoever asked to know, and no fault of the server. @param {unknown} error */
export function isRefusal(error) {
  return error instanceof Refusal || error instanceof AuthError || error instanceof RoomError || error instanceof TooMany
}

/**
 * Problem details (RFC 9457) of anything that was thrown. What is not the client's fault is told in
 * no more words than that.
 *
 * @param {any} error
 * @returns {{ status: number, headers: Record<string, string>, body: string }}
 */
export function problemOf(error) {
  const status = error?.status >= 400 && error.status < 600 ? error.status : (STATUS_OF_CODE[error?.code] ?? 500)
  const details = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: status === 500 ? 'the server failed' : error.message,
    ...(status !== 500 && typeof error.code === 'string' && { code: error.code }),
    ...(typeof error.claim === 'string' && { claim: error.claim }),
    ...(typeof error.field === 'string' && { field: error.field })
  }
  return { status, headers: { 'Content-Type': 'application/problem+json', ...headersOf(error, status) }, body: JSON.stringify(details) }
}

/**
 * @param {any} error
 * @param {number} status
 * @returns {Record<string, string>}
 */
function headersOf(error, status) {
  return {
    ...error?.headers,
    ...(Number.isInteger(error?.retryAfter) && { 'Retry-After': String(error.retryAfter) }),
    ...((status === 401 || status === 403) && typeof error?.challenge === 'string' && { 'WWW-Authenticate': error.challenge })
  }
}
