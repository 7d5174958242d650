'use strict'

/**
 * Where clients reach the app, when that is not the root of the server that they talk to: a reverse
 * proxy may take the first part of the path away before it passes a request on.
 */

/** RFC 3986 3.3, without an empty segment: `//` would begin a host. */
const PATH = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[\dA-Fa-f]{2})+)*$/
const MAX_PREFIX = 256

/**
 * What comes before the paths of the app.
 *
 * @param {unknown} baseUrl as given: an http or https URL, or a path
 * @returns {string | undefined}
 */
function checkBaseUrl(baseUrl) {
  if (baseUrl === undefined) return undefined
  const wrong = new TypeError("options.baseUrl must be an http or https URL without query and fragment, or a path such as '/media'")
  if (typeof baseUrl !== 'string') throw wrong
  const text = baseUrl.replace(/\/$/, '')
  if (PATH.test(text)) return text
  if (!URL.canParse(text)) throw wrong
  const { protocol, origin, pathname, search, hash, username, password } = new URL(text)
  if (!/^https?:$/.test(protocol) || search || hash || username || password) throw wrong
  return origin + pathname.replace(/\/$/, '')
}

/**
 * The prefix that a proxy took away, as it tells by `X-Forwarded-Prefix`. Anybody may send such a
 * header, so it counts only from where Express's setting `trust proxy` says that it does.
 *
 * @param {import('express').Request} request
 */
function forwardedPrefix(request) {
  const header = request.get('X-Forwarded-Prefix')
  if (!header || header.length > MAX_PREFIX) return ''
  const trusts = request.app.get('trust proxy fn')
  if (typeof trusts !== 'function' || !trusts(request.socket.remoteAddress, 0)) return ''
  // Of several proxies the outermost comes first.
  const prefix = header.split(',')[0].trim().replace(/\/$/, '')
  return PATH.test(prefix) ? prefix : ''
}

exports.checkBaseUrl = checkBaseUrl
exports.forwardedPrefix = forwardedPrefix
