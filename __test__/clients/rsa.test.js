'use strict'

/** Certificates of RSA, which FreeSWITCH, GStreamer and pages that ask for them have. Browsers: see their files. */

const assert = require('node:assert/strict')
const { after, test } = require('node:test')
const { cleanup } = require('node-datachannel')
const { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useSdesMid, useVP8 } = require('werift')
const { vp8Frame } = require('../support/clients/frames.js')
const { RawPeer } = require('../support/clients/raw-peer.js')
const { rsaForWerift, rsaInFiles } = require('../support/clients/rsa-certificate.js')
const { until } = require('../support/events.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

after(() => cleanup())

/** Who is the DTLS client is the offerer's to say (RFC 8842 5.2). */
const ROLES = [
  ['client', 'active'],
  ['server', 'passive']
]
const PICTURE = { kind: 'video', mid: '0', direction: 'SendOnly', payloadType: 96, ssrcs: [2222] }

/** Sends pictures until the test ends, and passes when they arrive. */
async function arrives(t, transport, send) {
  await connected(transport)
  let number = 0
  const timer = setInterval(() => send(number++), 33)
  t.after(() => clearInterval(timer))
  await until(
    async () => {
      const [track] = (await transport.getStats()).incomingTracks
      return track.encodings.some(({ packetsReceived }) => packetsReceived >= 10)
    },
    'pictures',
    8_000
  )
}

for (const [role, setup] of ROLES) {
  const offer = sdp => sdp.replaceAll('a=setup:actpass', `a=setup:${setup}`)

  test(`libdatachannel with an RSA certificate as DTLS ${role}`, { timeout: 30_000 }, async t => {
    const endpoint = await loopbackEndpoint(t)
    const transport = endpoint.createTransport()
    const certificate = await rsaInFiles(t)
    const peer = await RawPeer.join(t, transport, [PICTURE], { offer, certificate })
    await arrives(t, transport, number =>
      peer.send('0', {
        payloadType: 96,
        sequence: number,
        timestamp: number * 3000,
        ssrc: 2222,
        payload: vp8Frame(number, number % 10 === 0)
      })
    )
  })

  test(`werift with an RSA certificate as DTLS ${role}`, { timeout: 30_000 }, async t => {
    const endpoint = await loopbackEndpoint(t)
    const transport = endpoint.createTransport()
    const connection = new RTCPeerConnection({
      iceServers: [],
      iceAdditionalHostAddresses: ['127.0.0.1'],
      certificates: [await rsaForWerift()],
      codecs: { video: [useVP8()] },
      headerExtensions: { video: [useSdesMid()] }
    })
    t.after(() => connection.close())
    const camera = new MediaStreamTrack({ kind: 'video' })
    connection.addTransceiver(camera, { direction: 'sendonly' })
    await connection.setLocalDescription(await connection.createOffer())
    const answer = await transport.acceptOffer(offer(connection.localDescription.sdp))
    assert.match(answer, setup === 'active' ? /^a=setup:passive/m : /^a=setup:active/m)
    await connection.setRemoteDescription({ type: 'answer', sdp: answer })
    await arrives(t, transport, number => {
      const header = new RtpHeader({ sequenceNumber: number & 0xffff, timestamp: number * 3000, marker: true, payloadType: 96 })
      camera.writeRtp(new RtpPacket(header, vp8Frame(number, number % 10 === 0)))
    })
  })
}
