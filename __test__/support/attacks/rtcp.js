'use strict'

const { randomBytes } = require('node:crypto')

/** Packets of RTCP (RFC 3550 6, RFC 4585 6, RFC 5104 4) in storms. */

const TRANSPORT_FEEDBACK = 205
const PAYLOAD_FEEDBACK = 206

function packet(count, type, body) {
  const header = Buffer.from([0x80 | count, type, 0, 0])
  header.writeUInt16BE(body.length / 4, 2)
  return Buffer.concat([header, body])
}

function words(...values) {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, 4 * index))
  return bytes
}

const receiverReport = from => packet(0, 201, words(from))

/** Asks for 17 packets with each of 100 words, whatever they were. */
const nack = (n, from, source) =>
  packet(
    1,
    TRANSPORT_FEEDBACK,
    words(from, source, ...Array.from({ length: 100 }, (_, index) => (((n + 17 * index) & 0xffff) << 16) | 0xffff))
  )
const pli = (from, source) => packet(1, PAYLOAD_FEEDBACK, words(from, source))
const fir = (n, from, source) => packet(4, PAYLOAD_FEEDBACK, words(from, 0, source, (n & 0xff) << 24))

/** Transport-wide feedback of thousands of packets that nobody sent (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1). */
const transportWide = (n, from) =>
  packet(15, TRANSPORT_FEEDBACK, Buffer.concat([words(from, 0, ((n & 0xffff) << 16) | 0xffff, n & 0xff), randomBytes(400)]))
/** An estimate of one bit a second, or of all there are, for 200 streams. */
const remb = (n, from) =>
  packet(
    15,
    PAYLOAD_FEEDBACK,
    Buffer.concat([words(from, 0), Buffer.from('REMB'), Buffer.from([200, n % 2 === 0 ? 0 : 0xff, 0xff, 0xff]), randomBytes(800)])
  )
const bye = sources => packet(sources.length, 203, words(...sources))
const nonsense = n => packet(n % 32, 192 + (n % 32), randomBytes(200))

const KINDS = {
  requests: [nack, (_n, from, source) => pli(from, source), fir],
  feedback: [
    (n, from) => transportWide(n, from),
    (n, from) => remb(n, from),
    (_n, _from, source) => bye([source, source + 1, 1, 2, 3]),
    n => nonsense(n)
  ]
}

/** The n-th compound of a storm, about the stream `source`. */
function compound(storm, n, from, source) {
  const kinds = KINDS[storm]
  return Buffer.concat([receiverReport(from), kinds[n % kinds.length](n, from, source)])
}

module.exports = { compound }
