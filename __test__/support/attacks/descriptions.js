'use strict'

/** Descriptions that are large, as they come from somebody who may send up to a megabyte. */

/** A description with so many bytes of other lines at the end of its last m-line. */
function enlarged(sdp, bytes, line) {
  const lines = []
  for (let length = 0, n = 0; length < bytes; n++) {
    const next = line(n)
    lines.push(next)
    length += next.length + 2
  }
  return `${sdp.replace(/\r\n$/, '')}\r\n${lines.join('\r\n')}\r\n`
}

const address = n => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`

/** What the lines are that a description is enlarged by. */
const LINES = {
  candidates: n => `a=candidate:${n} 1 udp ${2130706431 - n} ${address(n)} ${1024 + (n % 60000)} typ host`,
  'lines about SSRCs': n => `a=ssrc:${n + 1} cname:x`,
  'groups of SSRCs': n => `a=ssrc-group:FID ${2 * n + 1} ${2 * n + 2}`,
  'header extensions': n => `a=extmap:${(n % 250) + 1} urn:example:extension-${n}`,
  'payload types': n => `a=rtpmap:${n % 128} codec-${n}/90000`,
  'feedback of all payload types': n => `a=rtcp-fb:* kind-${n}`,
  'attributes that nobody knows': n => `a=unknown-${n}:value`
}

module.exports = { LINES, enlarged }
