'use strict'

/** GStreamer's rtpbin sends and receives plain RTP. */

const { spawnSync } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { test } = require('node:test')
const assert = require('node:assert/strict')
const { until } = require('../support/events.js')
const { missing, run } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const H264 = { name: 'h264', payloadType: 96 }
const OPUS = { name: 'opus', payloadType: 97 }

function check(name, body) {
  const title = `GStreamer's rtpbin: ${name}`
  if (missing.gstreamer) return test(`${title} (skipped: ${missing.gstreamer})`, { skip: true })
  test(title, { timeout: 60_000 }, body)
}

const launch = (t, description) => run(t, 'gst-launch-1.0', ['-q', ...description.split(/\s+/).filter(Boolean)])

/** A transport that rtpbin sends sound and pictures to, with feedback, and takes reports from. */
async function pushed(t, endpoint) {
  const transport = await endpoint.createRtpTransport({
    audio: { codecs: [OPUS] },
    video: { codecs: [H264], feedback: true }
  })
  const [audio, video] = transport.ports
  const told = launch(
    t,
    `rtpbin name=rtp
    videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=300 bitrate=2000
    ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 pt=96
    ! application/x-rtp,rtcp-fb-nack-pli=(boolean)true ! rtp.send_rtp_sink_0
    rtp.send_rtp_src_0 ! udpsink host=127.0.0.1 port=${video.port}
    rtp.send_rtcp_src_0 ! udpsink host=127.0.0.1 port=${video.rtcpPort} bind-port=${video.rtcpPort + 2000} sync=false async=false
    udpsrc address=127.0.0.1 port=${video.rtcpPort + 2000} reuse=true ! rtp.recv_rtcp_sink_0
    audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=97 ! rtp.send_rtp_sink_1
    rtp.send_rtp_src_1 ! udpsink host=127.0.0.1 port=${audio.port}
    rtp.send_rtcp_src_1 ! udpsink host=127.0.0.1 port=${audio.rtcpPort} sync=false async=false`
  )
  await until(
    async () => {
      assert.equal(told.child.exitCode, null, told.text)
      const { incomingTracks } = await transport.getStats()
      return incomingTracks.every(({ encodings }) => encodings[0]?.packetsReceived > 10)
    },
    'sound and pictures of GStreamer',
    20_000
  )
  return transport
}

check('sends, and is asked for keyframes', async t => {
  const endpoint = await loopbackEndpoint(t)
  const source = await pushed(t, endpoint)
  const track = source.incomingTracks.find(({ kind }) => kind === 'video')
  const keyframes = async () => (await source.getStats()).incomingTracks.find(({ kind }) => kind === 'video').encodings[0].keyFramesReceived
  const before = await keyframes()
  await until(
    async () => {
      track.requestKeyframe()
      return (await keyframes()) > before
    },
    'a keyframe that was asked for',
    9000
  )
})

check('plays what is sent to it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const source = await pushed(t, endpoint)
  const free = await endpoint.createRtpTransport({ video: { codecs: [H264] } })
  const [{ port, rtcpPort }] = free.ports
  await free.close()
  const sink = await endpoint.createRtpTransport({
    video: { codecs: [H264], direction: 'sendonly', feedback: true, remote: { address: '127.0.0.1', port } }
  })
  const [own] = sink.ports
  const told = launch(
    t,
    `rtpbin name=rtp
    udpsrc address=127.0.0.1 port=${port} caps=application/x-rtp,media=(string)video,clock-rate=(int)90000,encoding-name=(string)H264,payload=(int)96,rtcp-fb-nack-pli=(boolean)true
    ! rtp.recv_rtp_sink_0 rtp. ! rtph264depay ! avdec_h264 ! identity eos-after=20 ! fakesink
    udpsrc address=127.0.0.1 port=${rtcpPort} ! rtp.recv_rtcp_sink_0
    rtp.send_rtcp_src_0 ! udpsink host=127.0.0.1 port=${own.rtcpPort} sync=false async=false`
  )
  // It listens before anything is sent.
  await new Promise(resolve => setTimeout(resolve, 500))
  sink.outgoingTracks[0].attachTo(source.incomingTracks.find(({ kind }) => kind === 'video'))
  const ended = await Promise.race([told.ended, new Promise(resolve => setTimeout(resolve, 30_000, 'still running'))])
  assert.equal(ended, 0, told.text)
})

/** What libsrtp below GStreamer calls the suites that ffmpeg has no names for. */
const CIPHERS = {
  AES_256_CM_HMAC_SHA1_80: { bytes: 46, cipher: 'aes-256-icm', auth: 'hmac-sha1-80' },
  AES_256_CM_HMAC_SHA1_32: { bytes: 46, cipher: 'aes-256-icm', auth: 'hmac-sha1-32' },
  AEAD_AES_128_GCM: { bytes: 28, cipher: 'aes-128-gcm', auth: 'null' },
  AEAD_AES_256_GCM: { bytes: 44, cipher: 'aes-256-gcm', auth: 'null' }
}
const noSrtp = missing.gstreamer ?? (spawnSync('gst-inspect-1.0', ['--exists', 'srtpenc']).status === 0 ? null : 'there is no srtpenc here')

test(
  `GStreamer's libsrtp and ours understand each other in every suite${noSrtp ? ` (skipped: ${noSrtp})` : ''}`,
  { skip: Boolean(noSrtp), timeout: 60_000 },
  async t => {
    const endpoint = await loopbackEndpoint(t)
    const through = async ([suite, { bytes, cipher, auth }]) => {
      const [key, sendKey] = [randomBytes(bytes), randomBytes(bytes)]
      const source = await endpoint.createRtpTransport({ audio: { codecs: [OPUS], srtp: { suite, key: key.toString('base64') } } })
      // 32 bits are for RTP alone: RTCP has 80 (RFC 4568 6.2.2).
      const rtcpAuth = auth === 'hmac-sha1-32' ? 'hmac-sha1-80' : auth
      launch(
        t,
        `audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=97 ! srtpenc key=${key.toString('hex')}
        rtp-cipher=${cipher} rtp-auth=${auth} rtcp-cipher=${cipher} rtcp-auth=${rtcpAuth} ! udpsink host=127.0.0.1 port=${source.ports[0].port}`
      )
      const free = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] } })
      const [{ port }] = free.ports
      await free.close()
      const remote = { address: '127.0.0.1', port }
      const sink = await endpoint.createRtpTransport({
        audio: { codecs: [OPUS], direction: 'sendonly', remote, srtp: { suite, sendKey: sendKey.toString('base64') } }
      })
      sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
      const { ssrc } = (await sink.getStats()).outgoingTracks[0]
      const told = launch(
        t,
        `udpsrc address=127.0.0.1 port=${port}
        caps=application/x-srtp,media=(string)audio,clock-rate=(int)48000,encoding-name=(string)OPUS,payload=(int)97,ssrc=(uint)${ssrc},srtp-key=(buffer)${sendKey.toString('hex')},srtp-cipher=(string)${cipher},srtp-auth=(string)${auth},srtcp-cipher=(string)${cipher},srtcp-auth=(string)${rtcpAuth}
        ! srtpdec ! rtpopusdepay ! opusdec ! identity eos-after=20 ! fakesink`
      )
      const ended = await Promise.race([told.ended, new Promise(resolve => setTimeout(resolve, 30_000, 'still running'))])
      assert.equal(ended, 0, `${suite}: ${told.text}`)
      assert.equal((await source.getStats()).packetsRefused, 0, suite)
    }
    await Promise.all(Object.entries(CIPHERS).map(through))
  }
)
