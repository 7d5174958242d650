'use strict'

/**
 * The little a router must know of an offer before the engine takes it: what the client wants to
 * send and receive on each m-line. Read as leniently as the engine reads it, so that both see the
 * same lines.
 *
 * @typedef {object} MediaLine
 * @property {string} kind such as `audio`, `video`, `application`
 * @property {boolean} sends whether the client sends on it
 * @property {boolean} receives whether the client receives on it
 */

const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

/**
 * @param {string} sdp
 * @returns {MediaLine[]}
 */
function mediaLines(sdp) {
  // Where neither an m-line nor the session has a direction it is both (RFC 8866 6.7).
  let inherited = 'sendrecv'
  /** @type {{ kind: string, refused: boolean, direction: string | null }[]} */
  const lines = []
  // Indents, blank lines and line ends of any kind say nothing.
  for (const text of sdp.split(/[\r\n]+/)) {
    // A byte order mark counts as space.
    const line = text.trim()
    const last = lines.at(-1)
    if (line.startsWith('m=')) {
      const [kind = '', port = ''] = line.slice('m='.length).trim().split(/\s+/, 2)
      // Port 0 means rejected (RFC 8866 5.14).
      lines.push({ kind: kind.toLowerCase(), refused: /^0+(\/|$)/.test(port), direction: null })
    } else if (line.startsWith('a=')) {
      const name = line.slice('a='.length).trim()
      if (DIRECTIONS.includes(name)) {
        if (last) last.direction = name
        else inherited = name
      }
      // Unless the m-line travels in a bundle (RFC 9143 6).
      else if (name === 'bundle-only' && last) last.refused = false
    }
  }
  return lines.map(({ kind, refused, direction }) => {
    const wanted = refused ? 'inactive' : (direction ?? inherited)
    return {
      kind,
      sends: wanted === 'sendrecv' || wanted === 'sendonly',
      receives: wanted === 'sendrecv' || wanted === 'recvonly'
    }
  })
}

exports.mediaLines = mediaLines
