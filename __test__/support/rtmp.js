'use strict'

/** An encoder made by hand: RTMP and FLV tags as tests want them, wrong ones among them. */

const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')
const { within } = require('./events.js')

const HANDSHAKE = 1536
/** Message types (RTMP 5.4, 7.1). */
const AUDIO = 8
const VIDEO = 9
const DATA = 18
const COMMAND = 20

function amf(value) {
  if (value === null) return Buffer.from([5])
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), name(value)])
  const properties = Object.entries(value).flatMap(([key, inner]) => [name(key), amf(inner)])
  return Buffer.concat([Buffer.from([3]), ...properties, Buffer.from([0, 0, 9])])
}

function name(text) {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** A message in chunks of 128 bytes. */
function message(type, { stream = 0, timestamp = 0, chunkStream = 3 }, payload) {
  const header = Buffer.alloc(12)
  header[0] = chunkStream
  header.writeUIntBE(Math.min(timestamp, 0xffffff), 1, 3)
  header.writeUIntBE(payload.length, 4, 3)
  header[7] = type
  header.writeUInt32LE(stream, 8)
  const extended = Buffer.alloc(timestamp >= 0xffffff ? 4 : 0)
  if (extended.length > 0) extended.writeUInt32BE(timestamp)
  const parts = [header, extended]
  for (let at = 0; at < payload.length; at += 128) {
    if (at > 0) parts.push(Buffer.from([0xc0 | chunkStream]), extended)
    parts.push(payload.subarray(at, at + 128))
  }
  return Buffer.concat(parts)
}

function command(words, stream = 0) {
  return message(COMMAND, { stream }, Buffer.concat(words.map(amf)))
}

class RtmpClient {
  #socket
  /** Everything that came, as it came. */
  received = Buffer.alloc(0)
  ended = false

  /** Connects and publishes as encoders do; `said()` tells what came back. */
  static async publish(t, port, { app = 'live', key = 'secret', secure = false, ...connect } = {}) {
    const client = await RtmpClient.connect(t, port, { secure })
    client.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * HANDSHAKE)]))
    client.write(command(['connect', 1, { app, tcUrl: `rtmp://127.0.0.1/${app}`, ...connect }]))
    client.write(command(['createStream', 2, null]))
    client.write(command(['publish', 3, null, key, 'live'], 1))
    return client
  }

  static async connect(t, port, { secure = false } = {}) {
    const client = new RtmpClient()
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false }
    client.#socket = secure ? tls.connect(options) : net.connect(options)
    client.#socket.on('error', () => {})
    client.#socket.on('data', data => {
      client.received = Buffer.concat([client.received, data])
    })
    client.#socket.on('close', () => {
      client.ended = true
    })
    t.after(() => client.#socket.destroy())
    await within(10_000, once(client.#socket, secure ? 'secureConnect' : 'connect'), 'a connection')
    return client
  }

  write(bytes) {
    this.#socket.write(bytes)
  }

  end() {
    this.#socket.end()
  }

  destroy() {
    this.#socket.destroy()
  }

  /** Whether a status, or any other text, has come. */
  said(text) {
    return this.received.includes(text)
  }

  audio(timestamp, tag) {
    this.write(message(AUDIO, { stream: 1, timestamp, chunkStream: 4 }, Buffer.from(tag)))
  }

  video(timestamp, tag) {
    this.write(message(VIDEO, { stream: 1, timestamp, chunkStream: 6 }, Buffer.from(tag)))
  }

  metadata(properties) {
    const words = ['@setDataFrame', 'onMetaData', properties]
    this.write(message(DATA, { stream: 1, chunkStream: 4 }, Buffer.concat(words.map(amf))))
  }

  deleteStream() {
    this.write(command(['deleteStream', 4, null, 1]))
  }
}

/** Tags of a stream that was read from an FLV file, in its order. */
function readFlv(bytes) {
  const tags = []
  let at = 9 + 4
  while (at + 11 <= bytes.length) {
    const size = bytes.readUIntBE(at + 1, 3)
    const timestamp = bytes.readUIntBE(at + 4, 3) + bytes[at + 7] * 2 ** 24
    const payload = bytes.subarray(at + 11, at + 11 + size)
    tags.push({ type: bytes[at], timestamp, payload })
    at += 11 + size + 4
  }
  return tags
}

module.exports = { AUDIO, DATA, RtmpClient, VIDEO, command, message, readFlv }
