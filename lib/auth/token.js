'use strict'

const { AuthError, invalidArgument } = require('./auth-error.js')
const { coversRoom, readClaims, readGrants } = require('./claims.js')
const { jose } = require('./jose.js')
const { KeyRing } = require('./key-ring.js')

/** Characters: some kilobytes of metadata, and one message before joining holds it. */
const MAX_TOKEN_LENGTH = 4096
const SIX_HOURS = 6 * 60 * 60
/** Seconds by which clocks of two machines may differ. */
const CLOCK_TOLERANCE = 10

/** What `alg` may say for a key (RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2). */
const ALGORITHMS = { HS256: ['HS256'], RS256: ['RS256'], EdDSA: ['EdDSA', 'Ed25519'] }

/** What claims are called that have another name here. @type {Record<string, string>} */
const FIELDS = { sub: 'identity', jti: 'tokenId' }

/**
 * @param {KeyRing} keys
 * @param {import('./index.js').TokenContents} contents
 * @param {import('./index.js').TokenOptions} [options]
 * @returns {Promise<string>}
 */
async function createToken(keys, contents, options = {}) {
  const { identity, name, metadata, attributes, tokenId, video, ...others } = contents ?? {}
  const { expiresIn = SIX_HOURS, notBefore, keyId, now = Date.now() } = options
  // Such as an `expiresIn` that belongs to the options: nobody would notice that the token holds longer than was meant.
  for (const field of Object.keys(others)) throw invalidArgument(`contents.${field}`, 'left out: tokens have no such field')
  if (!(keys instanceof KeyRing)) throw invalidArgument('keys', 'a KeyRing')
  if (typeof expiresIn !== 'number' || !(expiresIn > 0) || expiresIn === Infinity)
    throw invalidArgument('options.expiresIn', 'a number of seconds above 0')
  const issuedAt = Math.floor(now / 1000)
  const payload = {
    ...(identity !== undefined && { sub: identity }),
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(attributes !== undefined && { attributes }),
    ...(tokenId !== undefined && { jti: tokenId }),
    video,
    nbf: notBefore === undefined ? issuedAt : Math.floor(notBefore / 1000),
    exp: Math.floor(now / 1000 + expiresIn)
  }
  try {
    readClaims(payload)
    readGrants(video)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    throw new AuthError('ERR_INVALID_ARG', error.message, { field: FIELDS[error.claim ?? ''] ?? error.claim })
  }
  const token = await sign(keys, payload, keyId)
  if (token.length > MAX_TOKEN_LENGTH) throw invalidArgument('contents', `small enough for a token of ${MAX_TOKEN_LENGTH} characters`)
  return token
}

/**
 * @param {KeyRing} keys
 * @param {Record<string, unknown>} payload
 * @param {string} [keyId]
 */
async function sign(keys, payload, keyId) {
  const key = keys.signing(keyId)
  const { SignJWT } = await jose()
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.algorithm, typ: 'JWT', kid: key.id })
    .setIssuer(key.issuer ?? key.id)
    .sign(/** @type {import('node:crypto').KeyObject} */ (key.signing))
}

/**
 * @param {KeyRing} keys
 * @param {string | null | undefined} token
 * @param {import('./index.js').VerifyOptions} [options]
 * @returns {Promise<import('./index.js').TokenClaims>}
 */
async function verifyToken(keys, token, { room, grants = [], ...options } = {}) {
  const { payload, keyId } = await verify(keys, token, options)
  const claims = { ...readClaims(payload), keyId }
  for (const grant of grants) {
    if (claims.video[grant] !== true)
      throw new AuthError('ERR_TOKEN_GRANT', `the token does not allow ${grant}`, { claim: `video.${grant}` })
  }
  if (room !== undefined) {
    if (claims.video.room === undefined) throw new AuthError('ERR_TOKEN_CLAIMS', 'the token names no room', { claim: 'video.room' })
    if (!coversRoom(claims.video, room)) throw new AuthError('ERR_TOKEN_ROOM', 'the token is for another room', { claim: 'video.room' })
  }
  return claims
}

/**
 * The payload of a token of which signature and times are right.
 *
 * @param {KeyRing} keys
 * @param {string | null | undefined} token
 * @param {{ clockTolerance?: number, now?: number }} options
 */
async function verify(keys, token, { clockTolerance = CLOCK_TOLERANCE, now = Date.now() }) {
  if (!(keys instanceof KeyRing)) throw invalidArgument('keys', 'a KeyRing')
  if (token === null || token === undefined || token === '') throw new AuthError('ERR_TOKEN_MISSING', 'a token is needed')
  // Before anything is decoded: a stranger chooses the length.
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) throw malformed()
  const { decodeJwt, decodeProtectedHeader, errors, jwtVerify } = await jose()
  let header
  let issuer
  try {
    header = decodeProtectedHeader(token)
    issuer = header.kid === undefined ? decodeJwt(token).iss : undefined
  } catch {
    throw malformed()
  }
  // RFC 8725 3.1: what is accepted is said by the key, never by the token.
  if (header.alg === 'none') throw new AuthError('ERR_TOKEN_ALGORITHM', 'the token is not signed')
  const key = keys.verifying(header.kid, issuer)
  if (!key) throw new AuthError('ERR_TOKEN_KEY', 'the token was signed with a key that is not known here')
  try {
    const { payload } = await jwtVerify(token, key.verifying, {
      algorithms: ALGORITHMS[key.algorithm],
      clockTolerance,
      currentDate: new Date(now),
      ...(key.issuer !== undefined && { issuer: key.issuer })
    })
    return { payload: /** @type {Record<string, unknown>} */ (payload), keyId: key.id }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new AuthError('ERR_TOKEN_EXPIRED', 'the token has expired', { claim: 'exp' })
    if (error instanceof errors.JWSSignatureVerificationFailed)
      throw new AuthError('ERR_TOKEN_FORGED', 'the signature of the token is wrong')
    if (error instanceof errors.JOSEAlgNotAllowed)
      throw new AuthError('ERR_TOKEN_ALGORITHM', 'the token is signed in a way that its key is not for')
    if (error instanceof errors.JWTClaimValidationFailed) {
      if (error.claim === 'nbf') throw new AuthError('ERR_TOKEN_NOT_YET', 'the token is not valid yet', { claim: 'nbf' })
      throw new AuthError('ERR_TOKEN_CLAIMS', `the claim ${error.claim} of the token is missing or wrong`, { claim: error.claim })
    }
    if (error instanceof errors.JOSEError) throw malformed()
    throw error
  }
}

function malformed() {
  return new AuthError('ERR_TOKEN_MALFORMED', 'that is no token')
}

exports.createToken = createToken
exports.sign = sign
exports.verify = verify
exports.verifyToken = verifyToken
