'use strict'

/** ffmpeg pushes by plain RTP and plays what is sent by it; browsers watch. */

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { chromium } = require('../support/clients/browser/launch.js')
const { browserTest, withBrowser } = require('../support/clients/browser/suite.js')
const { BrowserPeer } = require('../support/clients/browser/browser-peer.js')
const { nextEvent, until } = require('../support/events.js')
const { QUIET, folder, missing, pattern, run, socket } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const H264 = { name: 'h264', payloadType: 96 }
const OPUS = { name: 'opus', payloadType: 97 }

function check(name, body) {
  const title = `ffmpeg: ${name}`
  if (missing.ffmpeg) return test(`${title} (skipped: ${missing.ffmpeg})`, { skip: true })
  test(title, { timeout: 60_000 }, body)
}

/** A transport that ffmpeg pushes sound and pictures to. */
async function pushed(t, endpoint, options = {}) {
  const transport = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] }, video: { codecs: [H264] } })
  const [audio, video] = transport.ports
  const { inputs, video: pictures, audio: sound } = pattern(options)
  const { query = '' } = options
  const told = run(t, 'ffmpeg', [
    ...QUIET,
    ...inputs,
    ...pictures,
    '-f',
    'rtp',
    '-payload_type',
    '96',
    `rtp://127.0.0.1:${video.port}${query}`,
    ...sound,
    '-f',
    'rtp',
    '-payload_type',
    '97',
    `rtp://127.0.0.1:${audio.port}`
  ])
  await until(
    async () => {
      assert.equal(told.child.exitCode, null, told.text)
      const { incomingTracks } = await transport.getStats()
      return incomingTracks.every(({ encodings }) => encodings[0]?.packetsReceived > 5)
    },
    'sound and pictures of ffmpeg',
    20_000
  )
  return transport
}

const meet = withBrowser(chromium)
const title = 'a picture and a tone that ffmpeg pushes by plain RTP are seen and heard'
if (missing.ffmpeg) test(`${title} (skipped: ${missing.ffmpeg})`, { skip: true })
else {
  browserTest(chromium, title, async t => {
    const { endpoint, page } = await meet(t)
    // Packets of 1,472 bytes, as ffmpeg makes them where nothing is said.
    const source = await pushed(t, endpoint, { bitrate: '2M', size: '640x360' })
    const watching = endpoint.createTransport()
    const stream = watching.createOutgoingStream({ audio: 1, video: 1 })
    for (const kind of ['audio', 'video']) {
      stream[kind][0].attachTo(source.incomingTracks.find(track => track.kind === kind))
    }
    const viewer = await BrowserPeer.open(t, page, 'viewer')
    await viewer.answerTo(watching)
    await viewer.decodes({ frames: 10, soundPackets: 25 }, 'what ffmpeg pushes')
    await until(async () => (await viewer.call('received')).audible, 'sound that is not silence')
  })
}

check('what it announces in its SDP is taken, with its keys', async t => {
  const endpoint = await loopbackEndpoint(t)
  const free = await endpoint.createRtpTransport({ video: { codecs: [H264] } })
  const [{ port }] = free.ports
  await free.close()
  const file = path.join(folder(t), 'sent.sdp')
  const { inputs, video } = pattern()
  const key = randomBytes(30).toString('base64')
  const told = run(t, 'ffmpeg', [
    ...QUIET,
    ...inputs,
    ...video,
    '-f',
    'rtp',
    '-sdp_file',
    file,
    '-srtp_out_suite',
    'AES_CM_128_HMAC_SHA1_80',
    '-srtp_out_params',
    key,
    `srtp://127.0.0.1:${port}`
  ])
  await until(() => fs.existsSync(file) && /a=crypto/.test(fs.readFileSync(file, 'utf8')), `an SDP ${told.text}`, 20_000)
  const transport = await endpoint.createRtpTransport({ sdp: fs.readFileSync(file, 'utf8') })
  assert.equal(transport.ports[0].port, port)
  await until(
    async () => {
      const {
        incomingTracks: [
          {
            encodings: [encoding]
          }
        ]
      } = await transport.getStats()
      return encoding?.framesReceived > 10
    },
    'pictures',
    20_000
  )
  const { packetsDropped, rtpPorts } = await transport.getStats()
  assert.ok(rtpPorts[0].secure)
  assert.equal(packetsDropped.malformed + packetsDropped.unauthenticated, 0)
})

for (const suite of [null, 'AES_CM_128_HMAC_SHA1_80']) {
  check(`plays what is sent${suite ? ', with its keys' : ''}, by our SDP`, async t => {
    const endpoint = await loopbackEndpoint(t)
    const source = await pushed(t, endpoint)
    const free = await endpoint.createRtpTransport({ video: { codecs: [H264] } })
    const [{ port }] = free.ports
    await free.close()
    const sink = await endpoint.createRtpTransport({
      video: {
        codecs: [H264],
        direction: 'sendonly',
        remote: { address: '127.0.0.1', port },
        ...(suite && { srtp: { suite } })
      }
    })
    const file = path.join(folder(t), 'played.sdp')
    fs.writeFileSync(file, sink.sdp)
    const told = run(t, 'ffmpeg', [
      ...QUIET,
      '-protocol_whitelist',
      'file,udp,rtp,srtp,crypto,data',
      '-i',
      file,
      '-frames:v',
      '20',
      '-f',
      'null',
      '-'
    ])
    sink.outgoingTracks[0].attachTo(source.incomingTracks.find(track => track.kind === 'video'))
    const ended = await Promise.race([told.ended, new Promise(resolve => setTimeout(resolve, 30_000, 'still running'))])
    assert.equal(ended, 0, told.text)
  })
}

check('whoever begins in the middle of a long group of pictures begins at once', async t => {
  const endpoint = await loopbackEndpoint(t)
  const source = await pushed(t, endpoint, { gop: 3000 })
  // Far from the first keyframe, with no other to come.
  await until(
    async () => {
      const { incomingTracks } = await source.getStats()
      return incomingTracks.find(({ kind }) => kind === 'video').encodings[0].framesReceived > 60
    },
    'two seconds',
    20_000
  )
  const player = await socket(t)
  const sink = await endpoint.createRtpTransport({
    video: { codecs: [H264], direction: 'sendonly', remote: { address: '127.0.0.1', port: player.port } }
  })
  sink.outgoingTracks[0].attachTo(source.incomingTracks.find(track => track.kind === 'video'))
  await until(() => player.received.length > 30, 'packets')
  const types = player.received.slice(0, 4).map(packet => packet[12] & 0x1f)
  assert.ok(
    types.some(type => type === 7 || type === 24),
    `parameter sets come first: ${types}`
  )
  const { incomingTracks } = await source.getStats()
  assert.equal(incomingTracks.find(({ kind }) => kind === 'video').encodings[0].keyFramesReceived, 1)
})

/** Pictures that become lighter and lighter, with B-frames between them as encoders make them of files. */
const LIGHTER = [
  ...['-re', '-f', 'lavfi', '-i', "nullsrc=size=160x96:rate=25,geq=lum='16+mod(N*3,210)':cb=128:cr=128"],
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-bf', '2', '-x264-params', 'b-adapt=0', '-g', '25', '-qp', '20']
]

check('with B-frames: it is told, and nothing goes on that would jump', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await socket(t)
  const source = await endpoint.createRtpTransport({ video: { codecs: [H264] } })
  const sink = await endpoint.createRtpTransport({
    video: { codecs: [H264], direction: 'sendonly', remote: { address: '127.0.0.1', port: player.port } }
  })
  sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
  const told = nextEvent(source, 'warning', 20_000)
  run(t, 'ffmpeg', [...QUIET, ...LIGHTER, '-f', 'rtp', `rtp://127.0.0.1:${source.ports[0].port}`])
  const [warning] = await told
  assert.equal(warning.code, 'ERR_B_FRAMES')
  const received = async () => (await source.getStats()).incomingTracks[0].encodings[0].framesReceived
  const before = await received()
  await until(async () => (await received()) > before + 25, 'more pictures', 20_000)
  const times = player.received.filter(packet => packet[1] < 192 || packet[1] > 223).map(packet => packet.readUInt32BE(4))
  assert.ok(
    times.every((time, index) => index === 0 || ((time - times[index - 1]) | 0) >= 0),
    `${times}`
  )
})

check('with B-frames, mixed: the mixer shows them in their order', async t => {
  const endpoint = await loopbackEndpoint(t)
  const source = await endpoint.createRtpTransport({ bFrames: 'mix', video: { codecs: [H264] } })
  source.on('warning', error => assert.fail(error))
  const [track] = source.incomingTracks
  assert.ok(track.reordered)
  const stream = endpoint.createTransport({ iceLite: false }).createOutgoingStream({ video: 1 })
  assert.throws(() => stream.video[0].attachTo(track), { code: 'ERR_B_FRAMES' })
  run(t, 'ffmpeg', [...QUIET, ...LIGHTER, '-f', 'rtp', `rtp://127.0.0.1:${source.ports[0].port}`])
  const mixer = await endpoint.createMixer({ video: { width: 320, height: 192 } })
  const reader = mixer.addPort().attachTo(track).createFrameReader({ format: 'rgba', frameRate: 25 })
  const lights = []
  for await (const { data, width, height } of reader) {
    lights.push(data[(Math.floor(height / 2) * width + Math.floor(width / 2)) * 4])
    if (new Set(lights).size > 25) break
  }
  // It begins anew now and then; a picture out of its turn is a little darker than the one before.
  const back = lights.filter((light, index) => index > 0 && light < lights[index - 1] - 1 && light > lights[index - 1] - 100)
  assert.deepEqual(back, [], `${lights}`)
})

check('comes again from another port and is taken where it may move', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({ comedia: true, video: { codecs: [H264] } })
  const [{ port }] = transport.ports
  const { inputs, video } = pattern()
  const push = () => run(t, 'ffmpeg', [...QUIET, ...inputs, ...video, '-f', 'rtp', `rtp://127.0.0.1:${port}`])
  const first = nextEvent(transport, 'remote', 20_000)
  const ffmpeg = push()
  const [{ port: before }] = await first
  ffmpeg.child.kill('SIGKILL')
  const second = nextEvent(transport, 'remote', 20_000)
  push()
  const [{ port: after }] = await second
  assert.notEqual(before, after)
  await until(
    async () => {
      const {
        incomingTracks: [{ encodings }]
      } = await transport.getStats()
      return encodings.some(({ active, framesPerSecond }) => active && framesPerSecond > 5)
    },
    'pictures again',
    20_000
  )
})
