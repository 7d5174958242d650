'use strict'

/**
 * The little a router must know of an offer before the engine takes it: what the client wants to
 * send and receive on each m-line.
 *
 * @typedef {object} MediaLine
 * @property {string} kind such as `audio`, `video`, `application`
 * @property {boolean} sends whether the client sends on it
 * @property {boolean} receives whether the client receives on it
 */

/**
 * @param {string} sdp
 * @returns {MediaLine[]}
 */
function mediaLines(sdp) {
  const [session, ...sections] = sdp.split(/^(?=m=)/m)
  // The session's direction holds where an m-line has none of its own (RFC 8866 6.7).
  const inherited = direction(session) ?? 'sendrecv'
  return sections.map(section => {
    const [, kind = '', port = ''] = /^m=(\S+) (\d+)/.exec(section) ?? []
    // Port 0 means rejected (RFC 8866 5.14), unless the m-line travels in a bundle (RFC 9143 6).
    const rejected = port === '0' && !/^a=bundle-only\s*$/m.test(section)
    const wanted = rejected ? 'inactive' : (direction(section) ?? inherited)
    return {
      kind,
      sends: wanted === 'sendrecv' || wanted === 'sendonly',
      receives: wanted === 'sendrecv' || wanted === 'recvonly'
    }
  })
}

/** @param {string} section */
function direction(section) {
  return /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1]
}

exports.mediaLines = mediaLines
