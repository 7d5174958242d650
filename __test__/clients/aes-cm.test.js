'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useSdesMid, useVP8 } = require('werift')
const { until } = require('../support/events.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

/** SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764 4.1.2). */
const AES_CM = 0x0001

test('a peer that knows no AES-GCM sends and receives with AES-CM', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: { video: [useVP8()] },
    headerExtensions: { video: [useSdesMid()] }
  })
  t.after(() => connection.close())
  const camera = new MediaStreamTrack({ kind: 'video' })
  connection.addTransceiver(camera, { direction: 'sendrecv' })
  let received = 0
  connection.onTrack.subscribe(track => track.onReceiveRtp.subscribe(() => received++))

  // Its own picture goes back to it, on the same m-line.
  const {
    video: [back]
  } = transport.createOutgoingStream({ video: 1 })
  transport.on('track', track => back.attachTo(track))
  await connection.setLocalDescription(await connection.createOffer())
  for (const dtls of connection.dtlsTransports) dtls.srtpProfiles = [AES_CM]
  const answer = await transport.acceptOffer(connection.localDescription.sdp)
  await connection.setRemoteDescription({ type: 'answer', sdp: answer })
  await connected(transport)

  let number = 0
  const timer = setInterval(() => {
    const header = new RtpHeader({ sequenceNumber: number & 0xffff, timestamp: number * 3000, marker: true, payloadType: 96 })
    number++
    // A VP8 keyframe of one packet (RFC 7741 4.2, RFC 6386 9.1).
    const payload = Buffer.from([0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 1, 2, 3])
    camera.writeRtp(new RtpPacket(header, payload))
  }, 33)
  t.after(() => clearInterval(timer))

  await until(() => received >= 10, 'its own picture')
  const stats = await transport.getStats()
  assert.equal(stats.srtpCipher, 'SRTP_AES128_CM_HMAC_SHA1_80')
  assert.ok(stats.incomingTracks[0].encodings[0].packetsReceived >= 10)
})
