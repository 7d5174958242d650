'use strict'

const { PATH } = require('../http/base-url.js')

const MAX_PREFIX = 256

/**
 * The prefix that a proxy took away, as it tells by `X-Forwarded-Prefix`. Anybody may send such a
 * header, so it counts only from where Express's setting `trust proxy` says that it does.
 *
 * @param {import('express').Request} request
 */
function forwardedPrefix(request) {
  const header = request.headers['x-forwarded-prefix']
  if (typeof header !== 'string' || header.length > MAX_PREFIX) return ''
  // There is no app where the router is all there is.
  const trusts = request.app?.get('trust proxy fn')
  if (typeof trusts !== 'function' || !trusts(request.socket.remoteAddress, 0)) return ''
  // Of several proxies the outermost comes first.
  const prefix = header.split(',')[0].trim().replace(/\/$/, '')
  return PATH.test(prefix) ? prefix : ''
}

exports.forwardedPrefix = forwardedPrefix
