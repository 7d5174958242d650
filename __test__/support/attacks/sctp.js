'use strict'

/** Chunks of SCTP (RFC 9260 3.3, RFC 3758 3.2, RFC 6525 3.1) as nobody honest sends them. */

const DATA = 0
const HEARTBEAT = 4
const RECONFIG = 130
const FORWARD_TSN = 192
const UNORDERED = 4
const BEGIN = 2
const END = 1
const WHOLE = BEGIN | END
/** RFC 8832 8.1: a message that opens a channel. */
const DCEP = 50
const BINARY = 53

function chunk(type, flags, body) {
  const header = Buffer.from([type, flags, 0, 0])
  header.writeUInt16BE(4 + body.length, 2)
  return Buffer.concat([header, body, Buffer.alloc((4 - (body.length % 4)) % 4)])
}

function data({ tsn, stream = 0, sequence = 0, protocol = BINARY, flags = WHOLE, bytes = Buffer.alloc(1) }) {
  const header = Buffer.alloc(12)
  header.writeUInt32BE(tsn >>> 0, 0)
  header.writeUInt16BE(stream, 4)
  header.writeUInt16BE(sequence, 6)
  header.writeUInt32BE(protocol, 8)
  return chunk(DATA, flags, Buffer.concat([header, bytes]))
}

/** DATA_CHANNEL_OPEN (RFC 8832 5.1). */
function open(tsn, stream) {
  const label = Buffer.from('x')
  const message = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, label.length, 0, 0]), label])
  return data({ tsn, stream, protocol: DCEP, bytes: message })
}

function forwardTsn(tsn, streams = []) {
  const body = Buffer.alloc(4 + 4 * streams.length)
  body.writeUInt32BE(tsn >>> 0, 0)
  streams.forEach((stream, index) => body.writeUInt16BE(stream, 4 + 4 * index))
  return chunk(FORWARD_TSN, 0, body)
}

/** An Outgoing SSN Reset Request (RFC 6525 4.1). */
function reset(request, lastTsn, streams) {
  const parameter = Buffer.alloc(16 + 2 * streams.length)
  parameter.writeUInt16BE(13, 0)
  parameter.writeUInt16BE(parameter.length, 2)
  parameter.writeUInt32BE(request >>> 0, 4)
  parameter.writeUInt32BE(0, 8)
  parameter.writeUInt32BE(lastTsn >>> 0, 12)
  streams.forEach((stream, index) => parameter.writeUInt16BE(stream, 16 + 2 * index))
  return chunk(RECONFIG, 0, parameter)
}

function heartbeat() {
  const information = Buffer.alloc(1000)
  information.writeUInt16BE(1, 0)
  information.writeUInt16BE(information.length, 2)
  return chunk(HEARTBEAT, 0, information)
}

module.exports = { BEGIN, UNORDERED, data, forwardTsn, heartbeat, open, reset }
