'use strict'

/**
 * An ICE server as `Link` headers name it (RFC 9725 4.6).
 * @param {import('./options.js').IceServer} server
 */
function toLinks({ urls, username, credential }) {
  const quoted = (/** @type {string} */ text) => `"${text.replace(/["\\]/g, '\\$&')}"`
  const login =
    username === undefined ? '' : `; username=${quoted(username)}; credential=${quoted(credential ?? '')}; credential-type="password"`
  return [urls].flat().map(url => `<${url}>; rel="ice-server"${login}`)
}

exports.toLinks = toLinks
