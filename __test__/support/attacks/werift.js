'use strict'

/** A werift that sends whatever SCTP packets it is told to: it authenticates, and then attacks. */

const { RTCPeerConnection } = require('werift')
const { serve } = require('../clients/serve.js')
const { pace } = require('./pace.js')
const { BEGIN, UNORDERED, data, forwardTsn, heartbeat, open, reset } = require('./sctp.js')

// What werift makes of an association that was ended for this is of no interest.
process.on('uncaughtException', () => {})

/** Seconds. */
const FIRST_TIMEOUT = 0.2

let connection, channel, stop

const many = (count, make) => Buffer.concat(Array.from({ length: count }, (_, index) => make(index)))

/** What the n-th packet of each attack has, counted from the TSN that would be next. */
const PACKETS = {
  /** As many as a packet takes, of a message that the first of them began and nobody ends. */
  'one-byte chunks behind a missing one': (n, tsn) =>
    many(55, index => data({ tsn: tsn + 1 + 55 * n + index, stream: 2, sequence: (55 * n + index) & 0xffff })),
  'unordered pieces that are never whole': (n, tsn) =>
    many(55, index => data({ tsn: tsn + 55 * n + index, stream: 2, flags: BEGIN | UNORDERED })),
  'every second chunk missing': (n, tsn) => many(55, index => data({ tsn: tsn + 1 + 2 * (55 * n + index), stream: 2 })),
  'openings of channels on new streams': (n, tsn) => many(4, index => open(tsn + 4 * n + index, (4 * n + index) & 0xffff)),
  'resets of all streams': (n, tsn) => reset(connection.sctpTransport.sctp.reconfigRequestSeq + n, tsn - 1, range(500, n)),
  'what is given up, far ahead': (n, tsn) => forwardTsn(tsn + 1000 * n, range(250, n)),
  'what is given up, again and again': (n, tsn) => many(50, () => forwardTsn(tsn - 1)),
  'heartbeats and chunks of no known type': n =>
    n % 2 === 0 ? heartbeat() : many(250, index => Buffer.from([64 + ((n + index) % 64), 0, 0, 4]))
}

const range = (count, from) => Array.from({ length: count }, (_, index) => (from + index) & 0xffff)

serve({
  /** Each time as somebody else. */
  async start() {
    await connection?.close()
    connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] })
    channel = connection.createDataChannel('attack')
    // Where both sides begin the association at once, only its second INIT is answered: after three
    // seconds, RTO.Initial of RFC 4960 15.
    connection.sctpTransport.sctp.rto = FIRST_TIMEOUT
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp
  },
  async acceptAnswer(sdp) {
    await connection.setRemoteDescription({ type: 'answer', sdp })
    while (channel.readyState !== 'open') await new Promise(resolve => setTimeout(resolve, 10))
  },
  /** Sends such packets from now on, so many a second. */
  attack(name, packetsPerSecond) {
    const { sctp } = connection.sctpTransport
    const first = sctp.localTsn
    stop = pace(packetsPerSecond, n => sctp.sendChunk({ bytes: PACKETS[name](n, first) }).catch(() => {}))
  },
  stop: () => stop(),
  leave: () => connection.close()
})
