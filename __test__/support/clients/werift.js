'use strict'

const {
  MediaStreamTrack,
  PictureLossIndication,
  RTCPeerConnection,
  RtpHeader,
  RtpPacket,
  useNACK,
  useOPUS,
  usePLI,
  useSdesMid,
  useVP8
} = require('werift')
const { FrameLog, FrameSource } = require('./frames.js')
const { serve } = require('./serve.js')

const logs = { audio: new FrameLog('audio'), video: new FrameLog('video') }
const messages = []
const senders = {}
let pictureLossIndications = 0
let channel

const connection = new RTCPeerConnection({
  iceServers: [],
  iceAdditionalHostAddresses: ['127.0.0.1'],
  codecs: { audio: [useOPUS()], video: [useVP8({ rtcpFeedback: [useNACK(), usePLI()] })] },
  headerExtensions: { audio: [useSdesMid()], video: [useSdesMid()] }
})

const source = new FrameSource((kind, { number, timestamp, payload }) => {
  const header = new RtpHeader({ sequenceNumber: number & 0xffff, timestamp, marker: true, payloadType: 96 })
  senders[kind].writeRtp(new RtpPacket(header, payload))
})

connection.onTrack.subscribe(track => {
  track.onReceiveRtp.subscribe(packet => logs[track.kind].add(packet.payload))
})

function add(kind) {
  const track = new MediaStreamTrack({ kind })
  connection.addTransceiver(track, { direction: 'sendonly' })
  senders[kind] = track
}

/**
 * Hears requests for keyframes as they arrive: werift hands feedback to whatever the SSRC of its
 * sender belongs to (RFC 4585 6.1 names the media source second), which here is a receiver.
 */
function hearFeedback() {
  for (const transport of connection.dtlsTransports) {
    transport.onRtcp.subscribe(({ feedback }) => {
      if (!(feedback instanceof PictureLossIndication)) return
      pictureLossIndications++
      source.wantKeyframe()
    })
  }
}

serve({
  async start() {
    add('audio')
    add('video')
    channel = connection.createDataChannel('chat')
    channel.onMessage.subscribe(data => messages.push(data))
    await connection.setLocalDescription(await connection.createOffer())
    hearFeedback()
    source.start()
    return connection.localDescription.sdp
  },
  async acceptAnswer(sdp) {
    await connection.setRemoteDescription({ type: 'answer', sdp })
  },
  async acceptOffer(sdp) {
    await connection.setRemoteDescription({ type: 'offer', sdp })
    await connection.setLocalDescription(await connection.createAnswer())
    return connection.localDescription.sdp
  },
  send(data) {
    channel.send(typeof data === 'string' ? data : Buffer.from(data))
  },
  report() {
    return { audio: logs.audio.report(), video: logs.video.report(), messages, pictureLossIndications }
  },
  stopSending: () => source.stop()
})
