'use strict'

/** Transports of plain RTP: what comes in, what goes out, and what their options say. */

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const dgram = require('node:dgram')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { RtpTransport } = require('../..')
const { nextEvent, until } = require('../support/events.js')
const { folder, rtp, socket } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const OPUS = { name: 'opus', payloadType: 97 }
const VP8 = { name: 'vp8', payloadType: 96 }
/** The beginning of a keyframe of VP8, 320x180, behind a descriptor of one byte. */
const KEYFRAME = Buffer.from([0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0, 1, 2, 3])

const packets = async transport => (await transport.getStats()).incomingTracks.flatMap(track => track.encodings)
const isRtp = datagram => datagram[1] < 192 || datagram[1] > 223

test('it has ports and tracks when it is there, and both are gone when it is closed', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] }, video: { codecs: [VP8], direction: 'sendrecv' } })
  assert.ok(transport instanceof RtpTransport)
  assert.deepEqual(endpoint.rtpTransports, [transport])
  assert.deepEqual(
    transport.incomingTracks.map(({ kind, codecs }) => [kind, ...codecs]),
    [
      ['audio', 'opus'],
      ['video', 'vp8']
    ]
  )
  assert.deepEqual(
    transport.outgoingTracks.map(({ kind }) => kind),
    ['video']
  )
  for (const { address, port, rtcpPort } of transport.ports) {
    assert.equal(address, '127.0.0.1')
    assert.equal(port % 2, 0)
    assert.equal(rtcpPort, port + 1)
  }
  const [{ port }] = transport.ports
  const closed = []
  for (const track of [...transport.incomingTracks, ...transport.outgoingTracks]) track.on('closed', reason => closed.push(reason))
  transport.on('closed', reason => closed.push(reason))
  await transport.close()
  assert.deepEqual(closed, ['parent', 'parent', 'parent', 'closed'])
  assert.deepEqual(endpoint.rtpTransports, [])
  const next = await endpoint.createRtpTransport({ audio: { codecs: [OPUS], port } })
  assert.equal(next.ports[0].port, port, 'the port is free at once')
})

test('what comes in on one goes out of another, and RTCP with it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [camera, player, playerRtcp] = [await socket(t), await socket(t), await socket(t)]
  const source = await endpoint.createRtpTransport({ video: { codecs: [VP8] } })
  const sink = await endpoint.createRtpTransport({
    video: {
      codecs: [{ ...VP8, payloadType: 100 }],
      direction: 'sendonly',
      remote: { address: '127.0.0.1', port: player.port, rtcpPort: playerRtcp.port }
    }
  })
  assert.equal(sink.state, 'connected')
  sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
  const remote = nextEvent(source, 'remote')
  let sequence = 1
  const timer = setInterval(() => {
    void camera.send(source.ports[0].port, rtp({ pt: 96, sequence, timestamp: sequence * 3000, marker: true, payload: KEYFRAME }))
    sequence++
  }, 20)
  t.after(() => clearInterval(timer))
  assert.deepEqual((await remote)[0], { kind: 'video', rid: null, address: '127.0.0.1', port: camera.port })
  await until(() => player.received.length > 5, 'packets')
  assert.ok(player.received.every(isRtp))
  assert.ok(player.received.every(packet => (packet[1] & 0x7f) === 100))
  assert.ok(player.received[0].subarray(12).equals(KEYFRAME))
  await until(() => playerRtcp.received.some(compound => compound[1] === 200), 'a sender report')
  const {
    rtpPorts: [port]
  } = await source.getStats()
  assert.equal(port.source, `127.0.0.1:${camera.port}`)
  await sink.close()
  await until(() => playerRtcp.received.some(compound => compound.includes(Buffer.from([203]))), 'a goodbye')
})

test('nobody moves a transport that has found its far end, unless it may move', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [one, other] = [await socket(t), await socket(t)]
  for (const comedia of [false, true]) {
    const transport = await endpoint.createRtpTransport({ comedia, audio: { codecs: [OPUS] } })
    const [{ port }] = transport.ports
    await one.send(port, rtp({ pt: 97, sequence: 1 }))
    await nextEvent(transport, 'remote')
    for (let sequence = 2; sequence < 12; sequence++) await other.send(port, rtp({ pt: 97, sequence }))
    await until(async () => (await transport.getStats()).packetsRefused === 10, 'refused packets')
    assert.equal((await packets(transport))[0].packetsReceived, 1)
    await transport.close()
  }
})

test('networks that are not named are not heard', async t => {
  const endpoint = await loopbackEndpoint(t)
  const sender = await socket(t)
  const transport = await endpoint.createRtpTransport({ allow: ['192.0.2.0/24'], audio: { codecs: [OPUS] } })
  await sender.send(transport.ports[0].port, rtp({ pt: 97, sequence: 1 }))
  await until(async () => (await transport.getStats()).packetsRefused === 1, 'a refused packet')
  assert.equal(transport.state, 'new')
})

test('several share a port and are told apart by SSRC and address', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  const first = await endpoint.createRtpTransport({ audio: { codecs: [OPUS], shared: true, ssrc: 11 } })
  const [{ port }] = first.ports
  const second = await endpoint.createRtpTransport({ audio: { codecs: [OPUS], shared: true, port, ssrc: 22 } })
  assert.equal(second.ports[0].port, port)
  assert.equal(second.thread, first.thread)
  const [one, two] = [await socket(t), await socket(t)]
  for (let sequence = 1; sequence <= 5; sequence++) {
    await one.send(port, rtp({ pt: 97, sequence, ssrc: 11 }))
    await two.send(port, rtp({ pt: 97, sequence, ssrc: 22 }))
  }
  for (const [transport, ssrc] of [
    [first, 11],
    [second, 22]
  ]) {
    await until(async () => (await packets(transport))[0]?.packetsReceived === 5, `packets of ${ssrc}`)
    assert.equal((await packets(transport))[0].ssrc, ssrc)
  }
  await first.close()
  await two.send(port, rtp({ pt: 97, sequence: 6, ssrc: 22 }))
  await until(async () => (await packets(second))[0].packetsReceived === 6, 'the other goes on')
  await assert.rejects(endpoint.createRtpTransport({ audio: { codecs: [OPUS], port } }), {
    code: 'ERR_LISTEN',
    field: 'options.audio.port'
  })
})

test('without SSRCs those of a port are told apart by who sends, and nobody else is heard there', async t => {
  const endpoint = await loopbackEndpoint(t)
  const hosts = ['127.0.0.1', '127.0.0.2']
  const senders = await Promise.all([...hosts, '127.0.0.3'].map(host => socket(t, host)))
  const transports = []
  for (const host of hosts) {
    const port = transports[0]?.ports[0].port
    transports.push(
      await endpoint.createRtpTransport({
        address: '0.0.0.0',
        allow: [host],
        audio: { codecs: [OPUS], shared: true, ...(port && { port }) }
      })
    )
  }
  const [{ port }] = transports[0].ports
  for (let sequence = 1; sequence <= 5; sequence++) for (const sender of senders) await sender.send(port, rtp({ pt: 97, sequence }))
  for (const [index, transport] of transports.entries()) {
    await until(async () => (await packets(transport))[0]?.packetsReceived === 5, `packets of ${hosts[index]}`)
    assert.equal((await transport.getStats()).rtpPorts[0].source, `${hosts[index]}:${senders[index].port}`)
  }
})

test('RED is unwrapped for who takes none, and made for who does', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [phone, plain, careful] = [await socket(t), await socket(t), await socket(t)]
  const source = await endpoint.createRtpTransport({ audio: { codecs: [OPUS], red: 98 } })
  const to = (port, options) =>
    endpoint.createRtpTransport({ audio: { codecs: [OPUS], direction: 'sendonly', remote: { address: '127.0.0.1', port }, ...options } })
  const sinks = [await to(plain.port), await to(careful.port, { red: 99 })]
  for (const { outgoingTracks } of sinks) outgoingTracks[0].attachTo(source.incomingTracks[0])
  let sequence = 1
  // The newest alone, and one that was said before in front of it (RFC 2198 3).
  const frame = number => Buffer.from([0x78, number & 0xff, 7, 7])
  const timer = setInterval(() => {
    const before = Buffer.from([0x80 | 97, 0, 0, 0])
    before.writeUIntBE((960 << 10) | 4, 1, 3)
    const payload = Buffer.concat([before, Buffer.from([97]), frame(sequence - 1), frame(sequence)])
    void phone.send(source.ports[0].port, rtp({ pt: 98, sequence, payload }))
    sequence++
  }, 20)
  t.after(() => clearInterval(timer))
  const media = (far, pt) => far.received.filter(packet => isRtp(packet) && (packet[1] & 0x7f) === pt)
  await until(() => media(plain, 97).length > 5 && media(careful, 99).length > 5, 'sound with and without RED')
  assert.ok(media(plain, 97).every(packet => packet.length === 16 && packet[12] === 0x78))
  assert.equal(media(plain, 98).length + media(plain, 99).length, 0)
  const [red] = media(careful, 99).slice(-1)
  assert.ok(red[12] === (0x80 | 97), 'one said before is in front')
  assert.equal(red[red.length - 4], 0x78)
})

test('IPv6 and one port for RTP and RTCP', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({ address: '::1', audio: { codecs: [OPUS], rtcpMux: true } })
  const [{ port, rtcpPort }] = transport.ports
  assert.equal(port, rtcpPort)
  const sender = await socket(t, '::1')
  let sequence = 1
  const timer = setInterval(() => void sender.send(port, rtp({ pt: 97, sequence: sequence++ })), 20)
  t.after(() => clearInterval(timer))
  await until(() => sender.received.some(compound => compound[1] === 201), 'a receiver report to the same port')
})

test('simulcast comes by several ports', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({ video: { codecs: [VP8], ports: [{ rid: 'low' }, { rid: 'high' }] } })
  const sender = await socket(t)
  for (let sequence = 1; sequence < 5; sequence++) {
    for (const [index, { port }] of transport.ports.entries()) {
      await sender.send(port, rtp({ pt: 96, sequence, ssrc: 50 + index, payload: KEYFRAME, marker: true }))
    }
  }
  await until(async () => (await packets(transport)).length === 2, 'two encodings')
  assert.deepEqual((await packets(transport)).map(({ rid }) => rid).sort(), ['high', 'low'])
})

test('packets that no path to a browser takes arrive in pieces that it takes', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [camera, player] = [await socket(t), await socket(t)]
  const source = await endpoint.createRtpTransport({ video: { codecs: [VP8] } })
  const sink = await endpoint.createRtpTransport({
    video: { codecs: [VP8], direction: 'sendonly', remote: { address: '127.0.0.1', port: player.port } }
  })
  sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
  const large = Buffer.concat([KEYFRAME, randomBytes(1446)])
  for (let sequence = 1; sequence < 20; sequence++) {
    await camera.send(source.ports[0].port, rtp({ pt: 96, sequence, timestamp: sequence * 3000, marker: true, payload: large }))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  await until(() => player.received.filter(isRtp).length >= 4, 'pieces')
  const pieces = player.received.filter(isRtp)
  assert.ok(pieces.every(piece => piece.length <= 1200))
  assert.deepEqual(
    pieces.slice(0, 2).map(piece => [(piece[12] & 0x10) !== 0, piece[1] >> 7]),
    [
      [true, 0],
      [false, 1]
    ]
  )
  // The padding that makes packets of a burst alike is no part of the picture.
  const payload = piece => piece.subarray(13, piece[0] & 0x20 ? piece.length - piece.at(-1) : piece.length)
  assert.ok(Buffer.concat(pieces.slice(0, 2).map(payload)).equals(large.subarray(1)))
})

test('keys of a telephone come as events and are sent', async t => {
  const endpoint = await loopbackEndpoint(t)
  const phone = await socket(t)
  const transport = await endpoint.createRtpTransport({
    audio: { codecs: [{ name: 'pcmu' }], telephoneEvents: 101, direction: 'sendrecv' }
  })
  const [{ port }] = transport.ports
  const [track] = transport.incomingTracks
  const pressed = nextEvent(track, 'telephoneevent')
  await phone.send(port, rtp({ pt: 0, sequence: 1, payload: Buffer.alloc(160, 0xff) }))
  for (const sequence of [2, 3, 4]) {
    await phone.send(port, rtp({ pt: 101, sequence, timestamp: 960, payload: Buffer.from([11, 0x80 | 10, 3, 0x20]) }))
  }
  assert.deepEqual((await pressed)[0], { event: 11, key: '#', duration: 100, volume: -10 })
  const [sent] = transport.outgoingTracks
  sent.attachTo(track)
  await sent.sendTelephoneEvent({ key: '5' })
  await until(() => phone.received.some(packet => (packet[1] & 0x7f) === 101 && packet[12] === 5), 'the key 5')
})

test('an SDP that announces is taken, and one that cannot be taken is refused with its line', async t => {
  const endpoint = await loopbackEndpoint(t)
  const key = randomBytes(30).toString('base64')
  const sdp = [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=No Name',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=video 0 RTP/AVP 33',
    'm=video 41764 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    'a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHw==,aM48gA==; profile-level-id=42C01F',
    'm=audio 41766 RTP/AVP 97',
    'a=rtpmap:97 opus/48000/2',
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`
  ]
  const transport = await endpoint.createRtpTransport({ sdp: sdp.join('\r\n') })
  assert.deepEqual(
    transport.ports.map(({ kind, port }) => [kind, port]),
    [
      ['audio', 41766],
      ['video', 41764]
    ]
  )
  const { rtpPorts } = await transport.getStats()
  assert.deepEqual(
    rtpPorts.map(({ secure }) => secure),
    [true, false]
  )
  await transport.close()
  const refused = (from, to) => endpoint.createRtpTransport({ sdp: sdp.join('\n').replace(from, to) })
  await assert.rejects(refused('opus/48000/2', 'MPEG4-GENERIC/44100/2'), { code: 'ERR_SDP', line: 'm=audio 41766 RTP/AVP 97' })
  await assert.rejects(refused(`inline:${key}`, 'inline:AAAA'), error => error.code === 'ERR_SDP' && error.line.startsWith('a=crypto:1'))
  await assert.rejects(refused('m=audio 41766', 'm=audio x'), error => error.code === 'ERR_SDP' && error.line.startsWith('m=audio x'))
  await assert.rejects(refused(/^[^]*$/, 'v=0\r\ns=-'), { code: 'ERR_SDP' })
})

test('what is sent has an SDP for those who play it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const sendKey = randomBytes(30).toString('base64')
  const remote = port => ({ address: '127.0.0.1', port })
  const transport = await endpoint.createRtpTransport({
    audio: { codecs: [OPUS], direction: 'sendonly', remote: remote(7000), srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey } },
    video: { codecs: [{ name: 'h264', payloadType: 96 }], direction: 'sendonly', remote: remote(7002), feedback: true }
  })
  const lines = transport.sdp.split('\r\n')
  assert.ok(lines.includes('m=audio 7000 RTP/SAVP 97'))
  assert.ok(lines.includes(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${sendKey}`))
  assert.ok(lines.includes('m=video 7002 RTP/AVPF 96'))
  assert.ok(lines.includes('c=IN IP4 127.0.0.1'))
  const silent = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] } })
  assert.equal(silent.sdp, null)
})

test('options that make no sense are refused with their path', async t => {
  const endpoint = await loopbackEndpoint(t)
  const refused = async (options, field, code = 'ERR_INVALID_ARG') => {
    await assert.rejects(endpoint.createRtpTransport(options), error => {
      assert.equal(error.code, code)
      assert.equal(error.field, field)
      return true
    })
  }
  await refused({}, 'options')
  await refused({ audio: {} }, 'options.audio.codecs')
  await refused({ audio: { codecs: [{ name: 'mp3', payloadType: 97 }] } }, 'options.audio.codecs[0].name')
  await refused({ audio: { codecs: [{ name: 'opus' }] } }, 'options.audio.codecs[0].payloadType')
  await refused({ audio: { codecs: [VP8] } }, 'options.audio.codecs[0]', 'ERR_CODEC_MISMATCH')
  await refused({ audio: { codecs: [OPUS], port: 70_000 } }, 'options.audio.port')
  await refused({ audio: { codecs: [OPUS], srtp: { suite: 'NULL' } } }, 'options.audio.srtp.suite')
  await refused({ audio: { codecs: [OPUS], srtp: { suite: 'AEAD_AES_128_GCM', key: 'AAAA' } } }, 'options.audio.srtp.key')
  await refused({ video: { codecs: [VP8], telephoneEvents: 101 } }, 'options.video.telephoneEvents')
  await refused({ audio: { codecs: [OPUS] }, allow: ['192.0.2.0/33'] }, 'options.allow[0]')
  await refused({ audio: { codecs: [OPUS] }, address: '192.0.2.77' }, 'options.address', 'ERR_LISTEN')
  await refused({ audio: { codecs: [OPUS], sound: true } }, 'options.audio.sound')
})

test('what is said anew of a call holds from then on', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [phone, other] = [await socket(t), await socket(t)]
  const call = await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }], direction: 'sendrecv' } })
  const [{ port }] = call.ports
  call.outgoingTracks[0].attachTo(call.incomingTracks[0])
  assert.equal(call.sdp, null)
  await call.update({ audio: { remote: { address: '127.0.0.1', port: phone.port } } })
  assert.match(call.sdp, new RegExp(`^m=audio ${phone.port} RTP/AVP 0\r$`, 'm'))
  let sequence = 1
  const timer = setInterval(() => void phone.send(port, rtp({ pt: 0, sequence: sequence++, payload: Buffer.alloc(160, 0xff) })), 20)
  t.after(() => clearInterval(timer))
  await until(() => phone.received.some(isRtp), 'its own voice')
  const muted = nextEvent(call.incomingTracks[0], 'mute')
  await call.update({ audio: { direction: 'sendonly' } })
  await muted
  const unmuted = nextEvent(call.incomingTracks[0], 'unmute')
  await call.update({ audio: { direction: 'sendrecv' } })
  await unmuted
  await call.update({ audio: { remote: { address: '127.0.0.1', port: other.port } } })
  clearInterval(timer)
  const moved = setInterval(() => void other.send(port, rtp({ pt: 0, sequence: sequence++, payload: Buffer.alloc(160, 0xff) })), 20)
  t.after(() => clearInterval(moved))
  await until(() => other.received.some(isRtp), 'voice where the call went')
  await assert.rejects(call.update({ audio: { port: 4 } }), { code: 'ERR_INVALID_ARG', field: 'options.audio.port' })
  await assert.rejects(call.update({ video: { codecs: [VP8] } }), { code: 'ERR_INVALID_ARG' })
  await call.close()
  await assert.rejects(call.update({ audio: {} }), { code: 'ERR_CLOSED' })
})

/** Bytes of key and salt (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2). */
const SUITES = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44
}

for (const [suite, bytes] of Object.entries(SUITES)) {
  test(`${suite} on the way from one to another`, async t => {
    const endpoint = await loopbackEndpoint(t)
    const sendKey = randomBytes(bytes).toString('base64')
    const receiver = await endpoint.createRtpTransport({ video: { codecs: [VP8], srtp: { suite, key: sendKey } } })
    const source = await endpoint.createRtpTransport({ video: { codecs: [VP8] } })
    const remote = { address: '127.0.0.1', port: receiver.ports[0].port }
    const sender = await endpoint.createRtpTransport({ video: { codecs: [VP8], direction: 'sendonly', remote, srtp: { suite, sendKey } } })
    sender.outgoingTracks[0].attachTo(source.incomingTracks[0])
    const camera = await socket(t)
    let sequence = 1
    const timer = setInterval(() => {
      void camera.send(source.ports[0].port, rtp({ pt: 96, sequence, timestamp: sequence * 3000, marker: true, payload: KEYFRAME }))
      sequence++
    }, 10)
    t.after(() => clearInterval(timer))
    await until(async () => (await packets(receiver))[0]?.packetsReceived > 10, 'packets that open')
    assert.equal((await receiver.getStats()).packetsRefused, 0)
  })
}

test('a group that is sent to is heard', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = await endpoint.createRtpTransport({ address: '239.255.42.42', interface: '127.0.0.1', audio: { codecs: [OPUS] } })
  const sender = dgram.createSocket('udp4').unref()
  await new Promise(resolve => sender.bind(0, '127.0.0.1', resolve))
  sender.setMulticastInterface('127.0.0.1')
  let sequence = 1
  const timer = setInterval(() => sender.send(rtp({ pt: 97, sequence: sequence++ }), transport.ports[0].port, '239.255.42.42'), 20)
  t.after(() => {
    clearInterval(timer)
    sender.close()
  })
  await until(async () => (await packets(transport))[0]?.packetsReceived > 3, 'packets of the group')
})

test('what comes and goes is written in the clear where that was asked for', async t => {
  const endpoint = await loopbackEndpoint(t)
  const dumpFile = path.join(folder(t), 'rtp.pcapng')
  const transport = await endpoint.createRtpTransport({ dumpFile, audio: { codecs: [OPUS] } })
  const sender = await socket(t)
  const payload = Buffer.from('this is what was said')
  await sender.send(transport.ports[0].port, rtp({ pt: 97, sequence: 1, payload }))
  await until(async () => (await packets(transport))[0]?.packetsReceived === 1, 'a packet')
  await transport.close()
  await until(() => fs.readFileSync(dumpFile).includes(payload), 'the packet in the file')
  const nowhere = endpoint.createRtpTransport({ dumpFile: path.join(dumpFile, 'x'), audio: { codecs: [OPUS] } })
  const failed = new Promise(resolve => void nowhere.then(made => made.on('error', resolve)))
  assert.equal((await failed).code, 'ERR_IO')
})

/** RTCP that asks for packets of a stream again (generic NACK, RFC 4585 6.2.1), behind an empty report. */
function nack(ssrc, sequence) {
  const bytes = Buffer.from('80c90001' + '00000009' + '81cd0003' + '00000009' + '00000000' + '00000000', 'hex')
  bytes.writeUInt32BE(ssrc, 16)
  bytes.writeUInt16BE(sequence, 20)
  return bytes
}

/** A sender that feeds what is sent to a far end that takes feedback. Gives that. */
async function asking(t, kind, options) {
  const endpoint = await loopbackEndpoint(t)
  const [sender, player] = [await socket(t), await socket(t)]
  const [codec] = options.codecs
  const source = await endpoint.createRtpTransport({ [kind]: { codecs: [{ ...codec, rtx: undefined }] } })
  const remote = { address: '127.0.0.1', port: player.port }
  const sink = await endpoint.createRtpTransport({
    [kind]: { direction: 'sendonly', rtcpMux: true, feedback: true, remote, ...options }
  })
  sink.outgoingTracks[0].attachTo(source.incomingTracks[0])
  let sequence = 1
  const timer = setInterval(() => {
    const payload = kind === 'video' ? KEYFRAME : Buffer.from([0x78, sequence])
    const timestamp = sequence * (kind === 'video' ? 900 : 480)
    void sender.send(source.ports[0].port, rtp({ pt: codec.payloadType, sequence, timestamp, marker: kind === 'video', payload }))
    sequence++
  }, 10)
  t.after(() => clearInterval(timer))
  const media = () => player.received.filter(packet => isRtp(packet) && (packet[1] & 0x7f) === codec.payloadType)
  await until(() => media().length >= 20, 'media')
  return { sink, player, media }
}

for (const [name, kind, options] of [
  ['pictures', 'video', { codecs: [VP8] }],
  ['sound', 'audio', { codecs: [OPUS] }],
  ['pictures by SRTP', 'video', { codecs: [VP8], srtp: { suite: 'AES_CM_128_HMAC_SHA1_80' } }],
  ['sound by SRTP in GCM', 'audio', { codecs: [OPUS], srtp: { suite: 'AEAD_AES_128_GCM' } }]
]) {
  test(`what gets lost of ${name} is sent again as it was when the far end asks, the first time too`, async t => {
    const { sink, player, media } = await asking(t, kind, options)
    assert.match(sink.sdp, /RTP\/S?AVPF/)
    assert.match(sink.sdp, /a=rtcp-fb:\d+ nack\r\n/)
    const lost = media()[10]
    const same = () => media().filter(packet => packet.equals(lost)).length
    const request = nack(lost.readUInt32BE(8), lost.readUInt16BE(2))
    await until(async () => {
      await player.send(sink.ports[0].port, request)
      return same() > 1
    }, 'the very packet')
    assert.ok((await sink.getStats()).outgoingTracks[0].retransmittedPacketsSent >= 1)
    // What was never sent is not made up, and half a request is none.
    const never = nack(lost.readUInt32BE(8), (lost.readUInt16BE(2) + 10_000) & 0xffff)
    await player.send(sink.ports[0].port, never)
    await player.send(sink.ports[0].port, never.subarray(0, 18))
    const before = media().length
    await until(() => media().length > before + 5, 'the next packets')
    const numbers = new Set(media().map(packet => packet.readUInt16BE(2)))
    assert.ok(!numbers.has(never.readUInt16BE(20)))
  })
}

test('with a payload type for it, what gets lost of pictures is repeated by RTX', async t => {
  const { sink, player, media } = await asking(t, 'video', { codecs: [{ ...VP8, rtx: 98 }] })
  assert.match(sink.sdp, /a=rtpmap:98 rtx\/90000\r\na=fmtp:98 apt=96/)
  const lost = media()[10]
  const repeated = () => player.received.find(packet => isRtp(packet) && (packet[1] & 0x7f) === 98)
  await until(async () => {
    await player.send(sink.ports[0].port, nack(lost.readUInt32BE(8), lost.readUInt16BE(2)))
    return repeated()
  }, 'a retransmission')
  // The number of the packet that it repeats leads the payload (RFC 4588 4).
  assert.deepEqual(repeated().subarray(12), Buffer.concat([lost.subarray(2, 4), lost.subarray(12)]))
  assert.notEqual(repeated().readUInt32BE(8), lost.readUInt32BE(8))
})

test('rtx is for pictures, and has a payload type', async t => {
  const endpoint = await loopbackEndpoint(t)
  const refused = (options, field) => assert.rejects(endpoint.createRtpTransport(options), { code: 'ERR_INVALID_ARG', field })
  await refused({ audio: { codecs: [{ ...OPUS, rtx: 98 }] } }, 'options.audio.codecs[0].rtx')
  await refused({ video: { codecs: [{ ...VP8, rtx: 200 }] } }, 'options.video.codecs[0].rtx')
})

test('of a group with sources nobody else is heard, by options and by the SDP', async t => {
  const endpoint = await loopbackEndpoint(t)
  const sender = dgram.createSocket('udp4')
  sender.bind(0, '127.0.0.1')
  await nextEvent(sender, 'listening')
  sender.setMulticastInterface('127.0.0.1')
  const group = '232.42.42.42'
  const sdp = source => [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=-',
    `c=IN IP4 ${group}/1`,
    't=0 0',
    `a=source-filter: incl IN IP4 ${group} ${source}`,
    'm=audio 0 RTP/AVP 97'
  ]
  const at = source => ({ address: group, interface: '127.0.0.1', sources: [source], audio: { codecs: [OPUS] } })
  const [wanted, other] = await Promise.all([at('127.0.0.1'), at('127.0.0.2')].map(options => endpoint.createRtpTransport(options)))
  const port = wanted.ports[0].port
  const text = source => `${sdp(source).join('\r\n').replace('m=audio 0', `m=audio ${port}`)}\r\na=rtpmap:97 opus/48000/2\r\n`
  const [read, readOther] = await Promise.all(
    ['127.0.0.1', '127.0.0.2'].map(async source =>
      (await loopbackEndpoint(t)).createRtpTransport({ sdp: text(source), interface: '127.0.0.1' })
    )
  )
  let sequence = 1
  const timer = setInterval(() => {
    for (const to of new Set([port, other.ports[0].port])) sender.send(rtp({ pt: 97, sequence }), to, group)
    sequence++
  }, 20)
  t.after(() => {
    clearInterval(timer)
    sender.close()
  })
  await until(() => wanted.state === 'connected' && read.state === 'connected', 'packets of the source', 5000)
  await until(() => sequence > 30, 'time for packets of others')
  assert.deepEqual([other.state, readOther.state], ['new', 'new'])
  await assert.rejects(endpoint.createRtpTransport({ ...at('127.0.0.1'), sources: [] }), { field: 'options.sources' })
  await assert.rejects(endpoint.createRtpTransport({ ...at('127.0.0.1'), sources: ['camera'] }), { field: 'options.sources[0]' })
})

test('a sender that falls silent stalls its transport with its tracks muted, and resumes both', async t => {
  const endpoint = await loopbackEndpoint(t)
  const sender = await socket(t)
  const transport = await endpoint.createRtpTransport({ silence: 200, audio: { codecs: [OPUS] } })
  const [track] = transport.incomingTracks
  const told = []
  for (const event of ['stalled', 'resumed']) transport.on(event, () => told.push(event))
  for (const event of ['mute', 'unmute']) track.on(event, () => told.push(event))
  await sender.send(transport.ports[0].port, rtp({ pt: 97, sequence: 1 }))
  await nextEvent(transport, 'stalled')
  assert.deepEqual([transport.stalled, track.muted], [true, true])
  const resumed = nextEvent(transport, 'resumed')
  await sender.send(transport.ports[0].port, rtp({ pt: 97, sequence: 2 }))
  await resumed
  assert.deepEqual([transport.stalled, track.muted], [false, false])
  assert.deepEqual(told.slice(0, 4), ['stalled', 'mute', 'resumed', 'unmute'])
})
