'use strict'

const { Audio, PeerConnection, Video } = require('node-datachannel')
const { connected } = require('../loopback.js')
const { until } = require('../events.js')
const { rtpPacket } = require('./frames.js')

let peers = 0

/**
 * A libdatachannel that sends the RTP packets it is told to, byte for byte, and keeps those it gets:
 * what gateways and home-made streamers do. It runs in this process.
 */
class RawPeer {
  #tracks = new Map()
  #received = new Map()

  /**
   * @param {object[]} lines `kind`, `mid`, `direction`, `payloadType`, and perhaps `rtx`, `red` and `ssrcs`
   * @param {object} [how] `offer` and `answer` change descriptions on the way; `certificate` is of files
   */
  static async join(t, transport, lines, { offer = sdp => sdp, answer = sdp => sdp, certificate = {} } = {}) {
    const connection = new PeerConnection(`raw ${++peers}`, {
      iceServers: [],
      bindAddress: '127.0.0.1',
      disableAutoNegotiation: true,
      ...certificate
    })
    t.after(() => connection.close())
    const peer = new RawPeer(connection, lines)
    connection.setLocalDescription('offer')
    await until(() => connection.gatheringState() === 'complete', 'candidates of libdatachannel')
    peer.offer = offer(connection.localDescription().sdp)
    peer.answer = await transport.acceptOffer(peer.offer)
    connection.setRemoteDescription(answer(peer.answer), 'answer')
    await connected(transport)
    await until(() => [...peer.#tracks.values()].every(track => track.isOpen()), 'open tracks of libdatachannel')
    return peer
  }

  constructor(connection, lines) {
    this.connection = connection
    for (const line of lines) {
      const track = connection.addTrack(described(line))
      const packets = []
      track.onMessage(bytes => {
        if (!isRtcp(bytes)) packets.push(parseRtp(bytes))
      })
      this.#tracks.set(line.mid, track)
      this.#received.set(line.mid, packets)
    }
  }

  /** Sends a packet of `rtpPacket` on an m-line. */
  send(mid, packet) {
    this.#tracks.get(mid).sendMessageBinary(rtpPacket(packet))
  }

  /** Sends a packet of RTP or RTCP on an m-line, as it is. */
  bytes(mid, packet) {
    this.#tracks.get(mid).sendMessageBinary(packet)
  }

  /** The RTP packets that came on an m-line. */
  received(mid) {
    return this.#received.get(mid)
  }
}

function described({ kind, mid, direction, payloadType, red, rtx, ssrcs = [] }) {
  const description = kind === 'audio' ? new Audio(mid, direction) : new Video(mid, direction)
  if (red) description.addAudioCodec(red, 'red', `${payloadType}/${payloadType}`)
  if (kind === 'audio') description.addOpusCodec(payloadType)
  else description.addVP8Codec(payloadType)
  if (rtx) description.addRTXCodec(rtx, payloadType, 90_000)
  for (const ssrc of ssrcs) description.addSSRC(ssrc, `cname ${ssrc}`, 'camera', `${kind}${ssrc}`)
  return description
}

/** RFC 5761 4. */
function isRtcp(bytes) {
  const type = bytes[1] & 0x7f
  return type >= 64 && type <= 95
}

/** RFC 3550 5.1, with extensions by their id (RFC 8285). */
function parseRtp(bytes) {
  let offset = 12 + 4 * (bytes[0] & 0x0f)
  const extensions = {}
  if (bytes[0] & 0x10) {
    const short = bytes.readUInt16BE(offset) === 0xbede
    const end = offset + 4 + 4 * bytes.readUInt16BE(offset + 2)
    for (offset += 4; offset < end;) {
      // A padding byte.
      if (bytes[offset] === 0) {
        offset++
        continue
      }
      const id = short ? bytes[offset] >> 4 : bytes[offset]
      const length = short ? (bytes[offset] & 0x0f) + 1 : bytes[offset + 1]
      offset += short ? 1 : 2
      extensions[id] = bytes.subarray(offset, offset + length)
      offset += length
    }
    offset = end
  }
  const padding = bytes[0] & 0x20 ? bytes[bytes.length - 1] : 0
  return {
    marker: bytes[1] >> 7 === 1,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    extensions,
    payload: bytes.subarray(offset, bytes.length - padding)
  }
}

module.exports = { RawPeer }
