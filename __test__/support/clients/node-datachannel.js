'use strict'

const { Audio, PeerConnection, Video } = require('node-datachannel')
const { FrameLog, FrameSource, rtpPacket, rtpPayload } = require('./frames.js')
const { serve } = require('./serve.js')

const PAYLOAD_TYPES = { audio: 111, video: 96 }
const SSRCS = { audio: 0x1111, video: 0x2222 }

const logs = { audio: new FrameLog('audio'), video: new FrameLog('video') }
const messages = []
const senders = {}
/** Kept: libdatachannel closes what JavaScript collects. */
const receivers = []
let pictureLossIndications = 0
let channel

const connection = new PeerConnection('client', {
  iceServers: [],
  bindAddress: '127.0.0.1',
  disableAutoNegotiation: true
})

const source = new FrameSource((kind, { number, timestamp, payload }) => {
  const track = senders[kind]
  if (!track.isOpen()) return
  track.sendMessageBinary(rtpPacket({ payloadType: PAYLOAD_TYPES[kind], sequence: number, timestamp, ssrc: SSRCS[kind], payload }))
})

connection.onTrack(track => {
  receivers.push(track)
  const kind = track.type()
  track.onMessage(packet => {
    const payload = rtpPayload(packet)
    if (payload) logs[kind].add(payload)
  })
})

function add(kind, description) {
  description.addSSRC(SSRCS[kind], 'client', 'camera', kind)
  const track = connection.addTrack(description)
  track.onMessage(packet => {
    // Payload-specific feedback 1: picture loss indication (RFC 4585 6.3.1), perhaps in a compound.
    for (let offset = 0; offset + 4 <= packet.length; offset += 4 * (packet.readUInt16BE(offset + 2) + 1)) {
      if (packet[offset + 1] !== 206 || (packet[offset] & 0x1f) !== 1) continue
      pictureLossIndications++
      source.wantKeyframe()
    }
  })
  senders[kind] = track
}

/** The local description once all candidates are in it. */
async function local(type) {
  connection.setLocalDescription(type)
  while (connection.gatheringState() !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
  return connection.localDescription().sdp
}

serve({
  start() {
    const audio = new Audio('audio', 'SendOnly')
    audio.addOpusCodec(PAYLOAD_TYPES.audio)
    add('audio', audio)
    const video = new Video('video', 'SendOnly')
    video.addVP8Codec(PAYLOAD_TYPES.video)
    add('video', video)
    channel = connection.createDataChannel('chat')
    channel.onMessage(data => messages.push(typeof data === 'string' ? data : Buffer.from(data)))
    source.start()
    return local('offer')
  },
  acceptAnswer(sdp) {
    connection.setRemoteDescription(sdp, 'answer')
  },
  acceptOffer(sdp) {
    connection.setRemoteDescription(sdp, 'offer')
    return local('answer')
  },
  send(data) {
    if (typeof data === 'string') channel.sendMessage(data)
    else channel.sendMessageBinary(data)
  },
  report() {
    return { audio: logs.audio.report(), video: logs.video.report(), messages, pictureLossIndications }
  },
  stopSending: () => source.stop()
})
