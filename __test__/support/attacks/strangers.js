'use strict'

/** Somebody whom nobody knows, with a socket: whatever can be sent without taking part. */

const dgram = require('node:dgram')
const { randomBytes, randomInt } = require('node:crypto')
const { serve } = require('../clients/serve.js')
const { pace } = require('./pace.js')
const { BINDING, USERNAME, attribute, check, message } = require('./stun.js')

const INDICATION = 0x0011
const SUCCESS = 0x0101
const LOOPBACK = '127.0.0.1'

const socket = dgram.createSocket('udp4')
let remote, local, port, stop

const wrong = () => ({ fragment: remote.fragment, password: 'not the password at all' })
const user = text => attribute(USERNAME, Buffer.from(text))

/** Of five kinds, none of which is authentic. */
const STUN = [
  () => message(BINDING, []),
  () => message(BINDING, [user(randomBytes(4).toString('hex'))]),
  () => check(wrong(), local),
  // An attribute that says it is longer than the message.
  () => message(BINDING, [user(`${remote.fragment}:x`), Buffer.from([0, 8, 0xff, 0xff])]),
  n => message(n % 2 === 0 ? INDICATION : SUCCESS, [attribute(0x0009, Buffer.alloc(400))])
]

/** A record of DTLS 1.2 (RFC 6347 4.1). */
function record(type, epoch, sequence, body) {
  const header = Buffer.alloc(13)
  header[0] = type
  header.writeUInt16BE(0xfefd, 1)
  header.writeUInt16BE(epoch, 3)
  header.writeUIntBE(sequence, 5, 6)
  header.writeUInt16BE(body.length, 11)
  return Buffer.concat([header, body])
}

/** A fragment of a handshake message (RFC 6347 4.2.2). */
function fragment(type, length, number, offset, body) {
  const header = Buffer.alloc(12)
  header[0] = type
  header.writeUIntBE(length, 1, 3)
  header.writeUInt16BE(number & 0xffff, 4)
  header.writeUIntBE(offset, 6, 3)
  header.writeUIntBE(body.length, 9, 3)
  return Buffer.concat([header, body])
}

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const CERTIFICATE = 11
const NOTHING = fragment(CLIENT_HELLO, 9, 0, 0, Buffer.alloc(0))
const DTLS = [
  // The beginnings of messages of 16 MB, and pieces of them that lie anywhere.
  n => record(HANDSHAKE, 0, n, fragment(CLIENT_HELLO, 0xffffff, 0, 0, randomBytes(1000))),
  n => record(HANDSHAKE, 0, n, fragment(CERTIFICATE, 0xffffff, n, randomInt(0xff0000), randomBytes(1000))),
  // Pieces of one byte, and many of no bytes in one datagram.
  n => record(HANDSHAKE, 0, n, fragment(CLIENT_HELLO, 4000, 0, (2 * n) % 4000, Buffer.alloc(1))),
  n => Buffer.concat(Array.from({ length: 40 }, (_, index) => record(HANDSHAKE, 0, 40 * n + index, NOTHING))),
  n => record(HANDSHAKE, 0, n, fragment(CLIENT_HELLO, 200, 0, 0, randomBytes(200))),
  // Alerts in the clear, and what claims to be encrypted before there are keys.
  n => record(21, 0, n, Buffer.from([2, 40])),
  n => record(23, 1, n, randomBytes(600)),
  () => record(20, 0, 0xffffffffffff, Buffer.from([1])),
  () => randomBytes(1100).fill(HANDSHAKE, 0, 1)
]

/** A packet of RTP, of any number and source (RFC 3550 5.1). */
function rtp(pt, sequence, ssrc, body) {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = pt
  header.writeUInt16BE(sequence & 0xffff, 2)
  header.writeUInt32BE((sequence * 3000) >>> 0, 4)
  header.writeUInt32BE(ssrc, 8)
  return Buffer.concat([header, body])
}

/** A packet of RTCP (RFC 3550 6.4). */
const rtcp = (type, count, words, body) => Buffer.concat([Buffer.from([0x80 | count, type, words >> 8, words & 0xff]), body])

/** Of H.264 at payload type 96, as if it were media. */
const PLAIN_RTP = [
  n => rtp(96, n, randomInt(2 ** 32), randomBytes(1400)),
  // Fragments that begin nothing, and units that are longer than their packet.
  n => rtp(96, n, 7, Buffer.concat([Buffer.from([0x7c, 0x05]), randomBytes(1400)])),
  n => rtp(96, n, 7, Buffer.concat([Buffer.from([0x78, 0xff, 0xff]), randomBytes(1400)])),
  // Parameter sets, other ones each time, and keyframes that need some.
  n => rtp(96, n, 7, Buffer.concat([Buffer.from([0x67]), randomBytes(900)])),
  n => rtp(96, n, 7, Buffer.concat([Buffer.from([0x65, 0x88]), randomBytes(1300)])),
  // Numbers that leap, so that everything has to be waited for.
  n => rtp(96, n * 997, 7, Buffer.concat([Buffer.from([0x41, 0x9a]), randomBytes(1300)])),
  () => rtcp(200, 31, 300, Buffer.concat([Buffer.from([0, 0, 0, 7]), randomBytes(1196)])),
  () => rtcp(205, 1, 300, randomBytes(1200)),
  () => randomBytes(randomInt(1, 1400))
]

const ATTACKS = {
  'RTP and RTCP of nine kinds': n => PLAIN_RTP[n % PLAIN_RTP.length](n),
  garbage: () => randomBytes(randomInt(1, 1200)),
  'STUN of five kinds': n => STUN[n % STUN.length](n),
  /** After a check that is right, so that the address is heard. */
  'DTLS of nine kinds before the handshake': n => (n % 500 === 0 ? check(remote, local) : DTLS[n % DTLS.length](n))
}

serve({
  /** @param {object} to `port`, and the `remote` and `local` credentials of a transport that waits */
  prepare(to) {
    ;({ port, remote, local } = to)
  },
  attack(name, perSecond) {
    stop = pace(perSecond, n => socket.send(ATTACKS[name](n), port, LOOPBACK))
  },
  stop: () => stop()
})
