'use strict'

/** An encoder that pushes by RTMP what was made beforehand, so that pushing it costs next to nothing. */

const net = require('node:net')
const { once } = require('node:events')

/** Bytes of a chunk, as OBS has them. */
const CHUNK = 4096
const HANDSHAKE = 1536
/** Message types (RTMP 5.4, 7.1). */
const SET_CHUNK_SIZE = 1
const AUDIO = 8
const VIDEO = 9
const COMMAND = 20

function text(value) {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

function amf(value) {
  if (value === null) return Buffer.from([5])
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), text(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  const properties = Object.entries(value).flatMap(([name, inner]) => [text(name), amf(inner)])
  return Buffer.concat([Buffer.from([3]), ...properties, Buffer.from([0, 0, 9])])
}

/** A message in chunks. */
function message(type, stream, chunkStream, payload, size = CHUNK) {
  const header = Buffer.alloc(12)
  header[0] = chunkStream
  header.writeUIntBE(payload.length, 4, 3)
  header[7] = type
  header.writeUInt32LE(stream, 8)
  const parts = [header]
  for (let at = 0; at < payload.length; at += size) {
    if (at > 0) parts.push(Buffer.from([0xc0 | chunkStream]))
    parts.push(payload.subarray(at, at + size))
  }
  return Buffer.concat(parts)
}

const command = (words, stream = 0) => message(COMMAND, stream, 3, Buffer.concat(words.map(amf)), 128)
const audio = tag => message(AUDIO, 1, 4, tag)
const video = tag => message(VIDEO, 1, 6, tag)

/** A copy of a message with a time. */
function at(made, timestamp) {
  const copy = Buffer.from(made)
  copy.writeUIntBE(timestamp % 0xffffff, 1, 3)
  return copy
}

class Encoder {
  #socket

  /** Publishes; resolves when the server takes it. */
  static async publish(port, app, key) {
    const encoder = new Encoder()
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    encoder.#socket = socket
    let received = Buffer.alloc(0)
    const taken = new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed the connection of an encoder')))
      socket.on('data', data => {
        if (received === null) return
        received = Buffer.concat([received, data])
        if (!received.includes('NetStream.Publish.Start')) return
        received = null
        resolve()
      })
    })
    await once(socket, 'connect')
    const size = Buffer.alloc(4)
    size.writeUInt32BE(CHUNK)
    encoder.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * HANDSHAKE)]))
    encoder.write(command(['connect', 1, { app, tcUrl: `rtmp://127.0.0.1/${app}` }]))
    encoder.write(message(SET_CHUNK_SIZE, 0, 2, size, 128))
    encoder.write(command(['createStream', 2, null]))
    encoder.write(command(['publish', 3, null, key, 'live'], 1))
    await taken
    return encoder
  }

  write(bytes) {
    this.#socket.write(bytes)
  }

  cork() {
    this.#socket.cork()
  }

  uncork() {
    this.#socket.uncork()
  }

  destroy() {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }
}

module.exports = { Encoder, at, audio, video }
