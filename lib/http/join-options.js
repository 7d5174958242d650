'use strict'

/**
 * What a token says of a participant, for the room that they join.
 *
 * @param {import('../auth/index.js').Authorization} authorization
 */
function joinOptionsOf({ identity, metadata, attributes, permissions, banBy }) {
  return {
    ...(identity !== undefined && { identity }),
    ...(metadata !== undefined && { metadata }),
    ...(attributes !== undefined && { attributes }),
    ...(permissions !== undefined && { permissions }),
    ...(banBy !== undefined && { banBy })
  }
}

exports.joinOptionsOf = joinOptionsOf
