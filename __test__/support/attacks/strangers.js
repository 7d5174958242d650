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

const ATTACKS = {
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
