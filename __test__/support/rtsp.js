'use strict'

/** A server of RTSP made by hand: it answers as a test wants it, and sends pictures and sound while it plays. */

const { createHash } = require('node:crypto')
const dgram = require('node:dgram')
const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

const hex = text => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** Parameter sets and a slice of 320x240, baseline. */
const NAL_UNITS = [hex('6742c00dda0507e840'), hex('68ce3c80'), hex('65888409')]
/** Both in one packet (STAP-A, RFC 6184 5.7.1). */
const PARAMETER_SETS = Buffer.concat([Buffer.from([0x78]), ...NAL_UNITS.slice(0, 2).flatMap(nal => [Buffer.from([0, nal.length]), nal])])
const SLICES = { keyframe: NAL_UNITS[2], other: hex('419a0209') }
const PAYLOAD_TYPES = { video: 96, audio: 8 }

const VIDEO =
  'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=640028;packetization-mode=1\r\na=control:track1\r\n'
const AUDIO = 'm=audio 0 RTP/AVP 8\r\na=control:track2\r\n'
const SDP = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\na=control:*\r\nt=0 0\r\n${VIDEO}${AUDIO}`

class RtspServer {
  /** All that was asked, without bodies. */
  requests = []
  /** Sends media while it is true. */
  sending = true
  #options
  #server
  #sockets = new Set()
  #timer
  #sequence = 0

  /**
   * `answers[METHOD](request, socket)` gives what is answered instead of what a server would, or `null` for nothing at all; `tls`
   * is a certificate and its key; `packets(kind, number)` gives what is sent each 20 ms instead of a keyframe or silence.
   */
  static async start(t, options = {}) {
    const server = new RtspServer()
    server.#options = { sdp: SDP, answers: {}, port: 0, ...options }
    const serve = socket => server.#serve(socket)
    server.#server = server.#options.tls ? tls.createServer(server.#options.tls, serve) : net.createServer(serve)
    // A client that does not believe its certificate is no end of it.
    server.#server.on('tlsClientError', () => {})
    server.#server.listen(server.#options.port, '127.0.0.1')
    await once(server.#server, 'listening')
    server.#timer = setInterval(() => server.#send(), 20)
    t.after(() => server.stop())
    return server
  }

  get port() {
    return this.#server.address()?.port
  }

  get certificate() {
    return this.#options.tls.cert
  }

  get url() {
    return `${this.#options.tls ? 'rtsps' : 'rtsp'}://127.0.0.1:${this.port}/live`
  }

  methods() {
    return this.requests.map(({ method }) => method)
  }

  /** As a camera that loses its power: what is connected ends, and nobody listens. */
  async stop() {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise(resolve => this.#server.close(resolve))
  }

  #serve(socket) {
    this.#sockets.add(socket)
    socket.ways = []
    let text = ''
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      socket.udp?.close()
    })
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      for (;;) {
        // Reports of RTCP on its channels.
        if (text[0] === '$') {
          const length = 4 + (text.charCodeAt(2) << 8) + text.charCodeAt(3)
          if (text.length < 4 || text.length < length) return
          text = text.slice(length)
          continue
        }
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) return
        this.#answer(socket, text.slice(0, end))
        text = text.slice(end + 4)
      }
    })
  }

  #answer(socket, head) {
    const [first, ...lines] = head.split('\r\n')
    const [method, url] = first.split(' ')
    const headers = Object.fromEntries(
      lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)])
    )
    const request = { method, url, headers }
    this.requests.push(request)
    const own = this.#options.answers[method]?.(request, socket)
    if (own === null) return
    const [status, rest = '\r\n'] = own ?? this.#ordinary(request, socket)
    socket.write(`RTSP/1.0 ${status}\r\nCSeq: ${headers.cseq}\r\n${rest}`)
    if (method === 'PLAY' && status.startsWith('200')) socket.playing = true
  }

  #ordinary({ method, url, headers }, socket) {
    const { sdp } = this.#options
    switch (method) {
      case 'OPTIONS':
        return ['200 OK', 'Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n\r\n']
      case 'DESCRIBE':
        return ['200 OK', `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`]
      case 'SETUP': {
        const kind = url.endsWith('track2') ? 'audio' : 'video'
        const port = Number(/client_port=(\d+)/.exec(headers.transport)?.[1])
        const channel = Number(/interleaved=(\d+)/.exec(headers.transport)?.[1])
        socket.ways.push({ kind, port, channel })
        return ['200 OK', `Session: 12345678;timeout=60\r\nTransport: ${headers.transport}\r\n\r\n`]
      }
      case 'PLAY':
      case 'TEARDOWN':
      case 'GET_PARAMETER':
        return ['200 OK']
      default:
        return ['501 Not Implemented']
    }
  }

  #send() {
    if (!this.sending) return
    for (const socket of this.#sockets) {
      if (!socket.playing) continue
      for (const { kind, port, channel } of socket.ways) {
        for (const packet of this.#packets(kind)) {
          if (Number.isNaN(port))
            socket.write(Buffer.concat([Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]), packet]))
          else (socket.udp ??= dgram.createSocket('udp4')).send(packet, port, '127.0.0.1')
        }
      }
    }
    this.#sequence += 1
  }

  /** A keyframe, or 20 ms of silence. */
  #packets(kind) {
    const own = this.#options.packets?.(kind, this.#sequence)
    if (own) return own
    const payloads = kind === 'video' ? NAL_UNITS : [Buffer.alloc(160, 0xd5)]
    return payloads.map((payload, index) => {
      const header = Buffer.alloc(12)
      header[0] = 0x80
      header[1] = PAYLOAD_TYPES[kind] | (index === payloads.length - 1 ? 0x80 : 0)
      header.writeUInt16BE((this.#sequence * payloads.length + index) & 0xffff, 2)
      header.writeUInt32BE(this.#sequence * (kind === 'video' ? 1800 : 160), 4)
      header.writeUInt32BE(kind === 'video' ? 7 : 8, 8)
      return Buffer.concat([header, payload])
    })
  }
}

/** Has a server let in whoever knows a password, by Digest with MD5 (RFC 2069) or SHA-256 (RFC 7616). */
function digest({ user, password, algorithm = 'MD5', realm = 'camera' }) {
  const hash = text =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex')
  const nonce = 'a1b2c3'
  return ({ method, headers }) => {
    const given = Object.fromEntries(
      [...(headers.authorization ?? '').matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, value]) => [name, value])
    )
    const middle = given.qop ? `${nonce}:${given.nc}:${given.cnonce}:${given.qop}` : nonce
    const expected = hash(`${hash(`${user}:${realm}:${password}`)}:${middle}:${hash(`${method}:${given.uri}`)}`)
    if (given.response === expected && given.username === user) return undefined
    const quality = algorithm === 'MD5' ? '' : ', qop="auth", algorithm=SHA-256'
    return ['401 Unauthorized', `WWW-Authenticate: Digest realm="${realm}", nonce="${nonce}"${quality}\r\n\r\n`]
  }
}

module.exports = { AUDIO, PARAMETER_SETS, RtspServer, SDP, SLICES, VIDEO, digest }
