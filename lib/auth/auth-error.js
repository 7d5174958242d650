'use strict'

/** Refusals that are about what a token allows; all others are about the token itself. */
const FORBIDDEN = new Set(['ERR_TOKEN_ROOM', 'ERR_TOKEN_GRANT'])

/**
 * Why a token was refused. The message is fit to be shown to whoever sent it: nothing of the token
 * is repeated in it, and nothing is told of what is behind the door.
 */
class AuthError extends Error {
  /**
   * @param {import('./index.js').AuthErrorCode} code
   * @param {string} message
   * @param {{ claim?: string, field?: string, cause?: unknown }} [details]
   */
  constructor(code, message, { claim, field, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    /** @type {'AuthError'} */
    this.name = 'AuthError'
    this.code = code
    /** @type {string | undefined} */
    this.claim = claim
    /** @type {string | undefined} */
    this.field = field
    /** @type {401 | 403 | undefined} */
    this.status = code === 'ERR_INVALID_ARG' ? undefined : FORBIDDEN.has(code) ? 403 : 401
  }

  /** The value of `WWW-Authenticate` (RFC 6750 3). */
  get challenge() {
    // RFC 6750 3.1: who brought no token is told no error.
    if (this.code === 'ERR_TOKEN_MISSING') return 'Bearer realm="medialoom"'
    const error = this.status === 403 ? 'insufficient_scope' : 'invalid_token'
    return `Bearer realm="medialoom", error="${error}", error_description="${this.message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`
  }
}

/**
 * @param {string} field
 * @param {string} expected
 */
function invalidArgument(field, expected) {
  return new AuthError('ERR_INVALID_ARG', `${field} must be ${expected}`, { field })
}

exports.AuthError = AuthError
exports.invalidArgument = invalidArgument
