'use strict'

/**
 * The headers by which a browser knows whether a page of another site may ask.
 *
 * @param {string | string[] | false} cors
 * @returns {(origin: string | undefined) => Record<string, string>}
 */
function corsHeaders(cors) {
  const allowed = policyOf(cors)
  return origin => {
    const allowedOrigin = allowed(origin)
    return {
      ...(Array.isArray(cors) && { Vary: 'Origin' }),
      ...(allowedOrigin !== null && {
        'Access-Control-Allow-Origin': allowedOrigin,
        'Access-Control-Expose-Headers': 'Location, ETag, Link, Accept-Post, Accept-Patch, WWW-Authenticate, Retry-After'
      })
    }
  }
}

/**
 * Which origin to allow, for the one that asks.
 *
 * @param {string | string[] | false} cors
 * @returns {(origin: string | undefined) => string | null}
 */
function policyOf(cors) {
  if (cors === false) return () => null
  if (typeof cors === 'string') return () => cors
  const origins = new Set(cors)
  return origin => (origin !== undefined && origins.has(origin) ? origin : null)
}

exports.corsHeaders = corsHeaders
