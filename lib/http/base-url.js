'use strict'

/**
 * Where clients reach the app, when that is not the root of the server that they talk to: a reverse
 * proxy may take the first part of the path away before it passes a request on.
 */

/** RFC 3986 3.3, without an empty segment: `//` would begin a host. */
const PATH = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[\dA-Fa-f]{2})+)*$/

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

exports.PATH = PATH
exports.checkBaseUrl = checkBaseUrl
