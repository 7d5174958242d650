'use strict'

const { createHash, timingSafeEqual } = require('node:crypto')
const { AuthError } = require('./auth-error.js')
const { sign, verify } = require('./token.js')

/** Seconds for which a signature holds: somebody who kept a copy cannot send it for ever. */
const LIFETIME = 5 * 60

/**
 * @param {import('./key-ring.js').KeyRing} keys
 * @param {string | Uint8Array} body
 * @param {{ now?: number }} [options]
 * @returns {Promise<string>}
 */
function signWebhook(keys, body, { now = Date.now() } = {}) {
  const issuedAt = Math.floor(now / 1000)
  return sign(keys, { sha256: digest(body).toString('base64'), nbf: issuedAt, exp: issuedAt + LIFETIME })
}

/**
 * @param {import('./key-ring.js').KeyRing} keys
 * @param {string | Uint8Array} body
 * @param {string | null | undefined} authorization
 * @param {{ clockTolerance?: number, now?: number }} [options]
 * @returns {Promise<any>}
 */
async function verifyWebhook(keys, body, authorization, options = {}) {
  const token = typeof authorization === 'string' ? authorization.replace(/^Bearer +/i, '') : authorization
  const { payload } = await verify(keys, token, options)
  const told = typeof payload.sha256 === 'string' ? Buffer.from(payload.sha256, 'base64') : Buffer.alloc(0)
  const is = digest(body)
  if (told.length !== is.length || !timingSafeEqual(told, is)) {
    throw new AuthError('ERR_TOKEN_FORGED', 'the body is not the one that was signed', { claim: 'sha256' })
  }
  return JSON.parse(Buffer.from(body).toString())
}

/** @param {string | Uint8Array} body */
function digest(body) {
  return createHash('sha256').update(body).digest()
}

exports.signWebhook = signWebhook
exports.verifyWebhook = verifyWebhook
