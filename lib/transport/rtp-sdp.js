'use strict'

const { isIP } = require('node:net')

/**
 * An SDP of what is sent, for whoever plays it: ffmpeg, GStreamer and VLC listen at the address and ports that it names.
 * `null` while nothing is sent anywhere.
 */
function playing(media) {
  const sent = media.flatMap(line => {
    const remote = line.remote ?? line.source
    return line.direction !== 'recvonly' && remote ? [{ ...line, remote }] : []
  })
  if (sent.length === 0) return null
  const [{ remote }] = sent
  const origin = isIP(remote.address) === 6 ? 'IP6 ::1' : 'IP4 127.0.0.1'
  const lines = ['v=0', `o=- 0 0 IN ${origin}`, 's=medialoom', 't=0 0', ...sent.flatMap(section)]
  return `${lines.join('\r\n')}\r\n`
}

function section({ kind, formats, remote, rtcpMux, feedback, srtp }) {
  const profile = `RTP/${srtp.send ? 'S' : ''}AVP${feedback ? 'F' : ''}`
  const numbers = formats.map(({ payloadType }) => payloadType).join(' ')
  const family = isIP(remote.address) === 6 ? 'IP6' : 'IP4'
  // The time to live of a group (RFC 8866 5.7).
  const ttl = family === 'IP4' && Number(remote.address.split('.')[0]) >> 4 === 14 ? '/127' : ''
  const rtcp = remote.rtcpPort !== undefined && !rtcpMux ? [`a=rtcp:${remote.rtcpPort}`] : []
  return [
    `m=${kind} ${remote.port} ${profile} ${numbers}`,
    `c=IN ${family} ${remote.address}${ttl}`,
    ...formats.flatMap(({ payloadType, encoding, parameters }) => [
      `a=rtpmap:${payloadType} ${encoding}`,
      ...(parameters ? [`a=fmtp:${payloadType} ${parameters}`] : []),
      ...(feedback ? asked(kind, payloadType, encoding) : [])
    ]),
    ...(rtcpMux ? ['a=rtcp-mux'] : []),
    ...rtcp,
    ...(srtp.send ? [`a=crypto:1 ${srtp.send.suite} inline:${Buffer.from(srtp.send.key, 'hex').toString('base64')}`] : []),
    'a=sendonly'
  ]
}

/** What may be asked of this side (RFC 4585 4.2): what is missing, and of pictures a keyframe. */
function asked(kind, payloadType, encoding) {
  if (/^(rtx|red|telephone-event)\//.test(encoding)) return []
  const nack = `a=rtcp-fb:${payloadType} nack`
  return kind === 'video' ? [nack, `${nack} pli`] : [nack]
}

module.exports = { playing }
