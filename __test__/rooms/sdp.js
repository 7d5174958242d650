'use strict'

/**
 * Offers as a browser would make them, without a browser: enough for an engine to answer, and to
 * announce tracks that never send.
 */

const { randomBytes } = require('node:crypto')

const FINGERPRINT = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0').toUpperCase()).join(':')
const CODECS = {
  audio: ['111 opus/48000/2'],
  video: ['96 VP8/90000']
}

/**
 * @param {{ kind: 'audio' | 'video', direction: string, stream?: string }[]} lines
 * @returns {string}
 */
function offer(lines) {
  const ufrag = randomBytes(3).toString('hex')
  const password = randomBytes(12).toString('hex')
  const sections = lines.map(({ kind, direction, stream }, mid) =>
    [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${CODECS[kind].map(codec => codec.split(' ')[0]).join(' ')}`,
      'c=IN IP4 0.0.0.0',
      `a=ice-ufrag:${ufrag}`,
      `a=ice-pwd:${password}`,
      'a=ice-options:trickle',
      `a=fingerprint:sha-256 ${FINGERPRINT}`,
      'a=setup:actpass',
      `a=mid:${mid}`,
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
      `a=${direction}`,
      ...(stream ? [`a=msid:${stream} ${stream}-${kind}`] : []),
      'a=rtcp-mux',
      ...CODECS[kind].map(codec => `a=rtpmap:${codec}`)
    ].join('\r\n')
  )
  const session = [
    'v=0',
    `o=- ${Date.now()} 2 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${lines.map((_, mid) => mid).join(' ')}`,
    'a=msid-semantic: WMS *'
  ].join('\r\n')
  return [session, ...sections, ''].join('\r\n')
}

/** A publisher's offer: microphone and camera. @param {string} stream */
function publisherOffer(stream) {
  return offer([
    { kind: 'audio', direction: 'sendonly', stream },
    { kind: 'video', direction: 'sendonly', stream }
  ])
}

/** A player's offer with places for so many participants. @param {number} participants */
function playerOffer(participants) {
  return offer(
    Array.from({ length: participants }).flatMap(() => [
      { kind: /** @type {const} */ ('audio'), direction: 'recvonly' },
      { kind: /** @type {const} */ ('video'), direction: 'recvonly' }
    ])
  )
}

/**
 * A fragment (RFC 8840) for the first m-line of an offer.
 * @param {string} sdp
 * @param {{ restart?: boolean, candidates?: string[] }} [options]
 */
function fragment(sdp, { restart = false, candidates = [] } = {}) {
  const value = name => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)?.[1]
  return [
    `a=ice-ufrag:${restart ? randomBytes(3).toString('hex') : value('ice-ufrag')}`,
    `a=ice-pwd:${restart ? randomBytes(12).toString('hex') : value('ice-pwd')}`,
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'a=mid:0',
    ...candidates.map(candidate => `a=${candidate}`),
    ''
  ].join('\r\n')
}

module.exports = { offer, publisherOffer, playerOffer, fragment }
