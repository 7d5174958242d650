'use strict'

const { AuthError } = require('./auth-error.js')
const { permissionsOf } = require('./claims.js')
const { verifyToken } = require('./token.js')

/**
 * @param {import('./key-ring.js').KeyRing} keys
 * @param {{ clockTolerance?: number }} [options]
 * @returns {(request: unknown, wish: import('./index.js').Wish) => Promise<import('./index.js').Authorization>}
 */
function tokenAuthorizer(keys, options = {}) {
  return async (_request, { action, room, token }) => {
    const claims = await verifyToken(keys, token, { ...options, ...neededFor(action, room) })
    const permissions = permissionsOf(claims.video)
    if (action === 'publish' && !permissions.canPublish) throw refused('canPublish')
    if (action === 'play' && !permissions.canSubscribe) throw refused('canSubscribe')
    return {
      ...(claims.identity !== null && { identity: claims.identity }),
      ...(claims.name !== null && { name: claims.name }),
      ...(claims.metadata !== null && { metadata: claims.metadata }),
      attributes: claims.attributes,
      ...(claims.tokenId !== null && { tokenId: claims.tokenId }),
      permissions,
      mayCreate: claims.video.roomCreate !== false,
      expiresAt: claims.expiresAt
    }
  }
}

/**
 * @param {import('./index.js').Wish['action']} action
 * @param {string | undefined} room
 * @returns {import('./index.js').VerifyOptions}
 */
function neededFor(action, room) {
  switch (action) {
    case 'join':
    case 'publish':
    case 'play':
      return { room: room ?? '', grants: ['roomJoin'] }
    case 'administer':
      return { room: room ?? '', grants: ['roomAdmin'] }
    case 'record':
      return { room: room ?? '', grants: ['roomRecord'] }
    case 'observe':
      return { grants: ['roomList'] }
    default:
      // What is not known here is not allowed here.
      throw new AuthError('ERR_TOKEN_GRANT', 'no token allows this')
  }
}

/** @param {string} grant */
function refused(grant) {
  return new AuthError('ERR_TOKEN_GRANT', `the token does not allow ${grant}`, { claim: `video.${grant}` })
}

exports.tokenAuthorizer = tokenAuthorizer
