'use strict'

/** What is fetched by RTSP, from a server made by hand: passwords, refused addresses, servers that vanish, and wrong ones. */

const assert = require('node:assert/strict')
const { X509Certificate } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')
const { test } = require('node:test')
const { InputTrack, RtspInput } = require('../..')
const { nextEvent, until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { authority } = require('../support/certificates.js')
const { rtp, socket } = require('../support/ingest/tools.js')
const { AUDIO, PARAMETER_SETS, RtspServer, SDP, SLICES, VIDEO, digest } = require('../support/rtsp.js')

const QUICK = { allowPrivate: true, reconnect: { delay: 20, maxDelay: 50 } }

async function pulled(t, server, options = {}) {
  const endpoint = await loopbackEndpoint(t)
  return endpoint.pullRtsp(server.url, { ...QUICK, ...options })
}

/** Waits until packets of all of its tracks come. */
async function flowing(input, more = 0) {
  await until(async () => {
    const { tracks } = await input.getStats()
    return tracks.length > 0 && tracks.every(({ encodings }) => encodings[0]?.packetsReceived > more)
  }, 'packets of all tracks')
}

test('options are checked before anything is asked', async t => {
  const endpoint = await loopbackEndpoint(t)
  const refused = (url, options, field) => assert.rejects(endpoint.pullRtsp(url, options), { code: 'ERR_INVALID_ARG', field })
  await refused('', {}, 'url')
  await refused('http://192.0.2.1/', {}, 'url')
  await refused('rtsp://', {}, 'url')
  await refused('rtsp://192.0.2.1/', { transport: 'sctp' }, 'options.transport')
  await refused('rtsp://192.0.2.1/', { password: 'a' }, 'options.user')
  await refused('rtsp://192.0.2.1/', { silence: 1 }, 'options.silence')
  await refused('rtsp://192.0.2.1/', { reconnect: { delay: 100, maxDelay: 50 } }, 'options.reconnect.maxDelay')
  await refused('rtsp://192.0.2.1/', { allow: ['camera'] }, 'options.allow[0]')
  await refused('rtsp://192.0.2.1/', { lookup: 'dns' }, 'options.lookup')
  await refused('rtsp://192.0.2.1/', { ca: 'PEM' }, 'options.ca')
  await refused('rtsp://192.0.2.1/', { fingerprint: '00'.repeat(32) }, 'options.fingerprint')
  await refused('rtsps://192.0.2.1/', { ca: 'no PEM' }, 'options.ca')
  await refused('rtsps://192.0.2.1/', { fingerprint: '00' }, 'options.fingerprint')
  await refused('rtsps://192.0.2.1/', { transport: 'udp' }, 'options.transport')
  await refused('rtsp://192.0.2.1/', { bFrames: 'show' }, 'options.bFrames')
  await refused('rtsp://192.0.2.1/', { retries: 1 }, 'options.retries')
  assert.deepEqual(endpoint.rtspInputs, [])
})

for (const transport of ['tcp', 'udp']) {
  test(`pictures and sound of a camera come by ${transport}, as tracks that are there at once`, async t => {
    const server = await RtspServer.start(t)
    const input = await pulled(t, server, { transport })
    assert.ok(input instanceof RtspInput && input.state === 'connected')
    assert.deepEqual(input.endpoint.rtspInputs, [input])
    const tracks = input.tracks.map(({ kind, codecs }) => [kind, ...codecs])
    assert.deepEqual(tracks, [
      ['video', 'h264'],
      ['audio', 'pcma']
    ])
    assert.ok(input.tracks.every(track => track instanceof InputTrack && track.input === input))
    await flowing(input)
    const { transport: used, state, connections, stalls, bytesReceived } = await input.getStats()
    assert.deepEqual([used, state, connections, stalls], [transport, 'connected', 1, 0])
    assert.ok(bytesReceived > 0)
    await input.close()
    assert.ok(input.closed && input.state === 'closed' && input.tracks.length === 0)
    await until(() => server.methods().at(-1) === 'TEARDOWN', 'the goodbye')
  })
}

test('outgoing tracks of every kind of source take what is fetched', async t => {
  const input = await pulled(t, await RtspServer.start(t))
  const output = await input.endpoint.createRtpTransport({
    video: { codecs: [{ name: 'h264', payloadType: 96 }], direction: 'sendonly', remote: { address: '127.0.0.1', port: 9 } }
  })
  const [outgoing] = output.outgoingTracks
  outgoing.attachTo(input.tracks[0])
  await until(async () => (await output.getStats()).outgoingTracks[0]?.packetsSent > 10, 'packets that are sent on')
})

test('a server that sends by UDP alone is asked for that, unless TCP is insisted on', async t => {
  const answers = { SETUP: ({ headers }) => (headers.transport.includes('TCP') ? ['461 Unsupported Transport'] : undefined) }
  const server = await RtspServer.start(t, { answers })
  const input = await pulled(t, server)
  assert.equal((await input.getStats()).transport, 'udp')
  await flowing(input)
  await assert.rejects(pulled(t, server, { transport: 'tcp' }), { code: 'ERR_IO', message: /transport/ })
})

for (const algorithm of ['MD5', 'SHA-256']) {
  test(`a password is shown by Digest with ${algorithm}, and neither it nor the user stands in a URL`, async t => {
    const proof = digest({ user: 'me', password: 'p:w@d', algorithm })
    const server = await RtspServer.start(t, { answers: { DESCRIBE: proof, SETUP: proof, PLAY: proof } })
    const endpoint = await loopbackEndpoint(t)
    const input = await endpoint.pullRtsp(server.url.replace('//', '//me:p%3Aw%40d@'), QUICK)
    assert.equal(input.url, server.url)
    await flowing(input)
    assert.ok(server.requests.every(({ url }) => !url.includes('me')))
    const given = await endpoint.pullRtsp(server.url, { ...QUICK, user: 'me', password: 'p:w@d' })
    await flowing(given)
  })
}

test('a wrong password, none, and a stream that is not there are told for what they are', async t => {
  const proof = digest({ user: 'me', password: 'word' })
  const server = await RtspServer.start(t, { answers: { DESCRIBE: proof } })
  await assert.rejects(pulled(t, server, { user: 'me', password: 'other' }), { code: 'ERR_UNAUTHORIZED', message: /refuses/ })
  await assert.rejects(pulled(t, server), { code: 'ERR_UNAUTHORIZED', message: /wants/ })
  assert.ok(server.requests.length < 12, 'nobody guesses')
  const empty = await RtspServer.start(t, { answers: { DESCRIBE: () => ['404 Not Found'] } })
  await assert.rejects(pulled(t, empty), { code: 'ERR_IO', message: /404 Not Found/ })
})

test('addresses that are not of the Internet are refused unless they are allowed, however they are written', async t => {
  const server = await RtspServer.start(t)
  const endpoint = await loopbackEndpoint(t)
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '10.0.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '239.1.1.1',
    'localhost',
    '2130706433'
  ]) {
    await assert.rejects(endpoint.pullRtsp(`rtsp://${host}:${server.port}/`), { code: 'ERR_FORBIDDEN_ADDRESS', field: 'url' }, host)
  }
  for (const host of ['0.0.0.0', '239.1.1.1', '[::]']) {
    await assert.rejects(endpoint.pullRtsp(`rtsp://${host}:${server.port}/`, QUICK), { code: 'ERR_FORBIDDEN_ADDRESS' }, host)
  }
  await assert.rejects(endpoint.pullRtsp(server.url, { allow: ['127.0.0.2'] }), { code: 'ERR_FORBIDDEN_ADDRESS' })
  assert.deepEqual(server.requests, [])
  await endpoint.pullRtsp(server.url, { allow: ['127.0.0.0/30'] })
})

test('what a name means is asked each time, and what is connected to is what was looked at', async t => {
  const server = await RtspServer.start(t)
  const endpoint = await loopbackEndpoint(t)
  const url = `rtsp://camera.example:${server.port}/`
  const asked = []
  // As somebody has it who answers with an address of the Internet first, and with one inside afterwards.
  const lookup = async host => {
    asked.push(host)
    return asked.length > 1 ? ['10.0.0.1'] : ['127.0.0.1', '10.0.0.1']
  }
  const input = await endpoint.pullRtsp(url, { allow: ['127.0.0.1'], lookup, reconnect: QUICK.reconnect })
  await flowing(input)
  const refused = nextEvent(input, 'reconnecting')
  await server.stop()
  await refused
  const [{ error }] = await nextEvent(input, 'reconnecting')
  assert.equal(error.code, 'ERR_FORBIDDEN_ADDRESS')
  assert.ok(asked.length > 1 && asked.every(host => host === 'camera.example'))
  const away = async () => {
    throw new Error('no such name')
  }
  await assert.rejects(endpoint.pullRtsp(url, { lookup: away }), { code: 'ERR_IO', message: /camera\.example.*no such name/ })
  await assert.rejects(endpoint.pullRtsp(url, { lookup: async () => [] }), { code: 'ERR_IO', message: /no address/ })
})

test('a server may send on to another, which is looked at as the first was and gets no password', async t => {
  const other = await RtspServer.start(t, {
    answers: { DESCRIBE: ({ headers }) => (headers.authorization ? ['403 Forbidden'] : undefined) }
  })
  const to = url => ({ DESCRIBE: () => ['302 Found', `Location: ${url}\r\n\r\n`] })
  const first = await RtspServer.start(t, { answers: to(other.url) })
  const input = await pulled(t, first, { user: 'me', password: 'word' })
  await flowing(input)
  const inside = await RtspServer.start(t, { answers: to('rtsp://10.0.0.1/') })
  const endpoint = await loopbackEndpoint(t)
  await assert.rejects(endpoint.pullRtsp(inside.url, { allow: ['127.0.0.1'] }), { code: 'ERR_FORBIDDEN_ADDRESS' })
  const answers = {}
  const round = await RtspServer.start(t, { answers })
  Object.assign(answers, to(round.url))
  await assert.rejects(pulled(t, round), { code: 'ERR_IO', message: /more than 4 times/ })
})

/** SHA-256 of a certificate, as openssl prints it. */
const fingerprintOf = certificate => new X509Certificate(certificate).fingerprint256

test('a camera in TLS is fetched from when somebody who is believed vouches for it, or it is known by its certificate', async t => {
  const known = authority(t)
  const identity = known.issue('IP:127.0.0.1')
  const server = await RtspServer.start(t, { tls: identity, answers: { DESCRIBE: digest({ user: 'me', password: 'word' }) } })
  const me = { user: 'me', password: 'word', reconnect: QUICK.reconnect }
  const input = await pulled(t, server, { ...me, ca: Buffer.from(known.ca) })
  assert.match(input.url, /^rtsps:/)
  await flowing(input)
  assert.equal((await input.getStats()).transport, 'tcp')
  // Its name is of no matter then.
  const nameless = await RtspServer.start(t, { tls: known.issue('DNS:elsewhere.example') })
  const pinned = await pulled(t, nameless, { fingerprint: fingerprintOf(nameless.certificate) })
  await flowing(pinned)
  await Promise.all([input.close(), pinned.close()])
  await until(() => server.methods().at(-1) === 'TEARDOWN', 'the goodbye')
})

test('a camera in TLS that is somebody else is told no password, and asked for nothing', async t => {
  const known = authority(t)
  const server = await RtspServer.start(t, { tls: known.issue('DNS:elsewhere.example') })
  const untrusted = { code: 'ERR_IO', message: /certificate/i }
  for (const trust of [{}, { ca: known.ca }, { ca: authority(t).ca }, { fingerprint: '00'.repeat(32) }]) {
    await assert.rejects(pulled(t, server, { user: 'me', password: 'word', ...trust }), untrusted)
  }
  const plain = await RtspServer.start(t)
  const endpoint = await loopbackEndpoint(t)
  const { certificate } = server
  const inTls = `rtsps://127.0.0.1:${plain.port}/`
  await assert.rejects(endpoint.pullRtsp(inTls, { ...QUICK, timeout: 500, fingerprint: fingerprintOf(certificate) }), { code: 'ERR_IO' })
  assert.deepEqual([...server.requests, ...plain.requests], [])
})

test('a server in TLS cannot send on to where nothing is protected, nor have media come by UDP', async t => {
  const known = authority(t)
  const tls = known.issue('IP:127.0.0.1')
  const plain = await RtspServer.start(t)
  const away = await RtspServer.start(t, { tls, answers: { DESCRIBE: () => ['302 Found', `Location: ${plain.url}\r\n\r\n`] } })
  await assert.rejects(pulled(t, away, { ca: known.ca }), { code: 'ERR_IO', message: /rtsps/ })
  assert.deepEqual(plain.requests, [])
  const byUdp = { SETUP: ({ headers }) => (headers.transport.includes('TCP') ? ['461 Unsupported Transport'] : undefined) }
  await assert.rejects(pulled(t, await RtspServer.start(t, { tls, answers: byUdp }), { ca: known.ca }), {
    code: 'ERR_IO',
    message: /transport/
  })
  const to = await RtspServer.start(t, { tls })
  const from = await RtspServer.start(t, { tls, answers: { DESCRIBE: () => ['302 Found', `Location: ${to.url}\r\n\r\n`] } })
  await flowing(await pulled(t, from, { ca: known.ca }))
})

test('a late answer to an earlier question of where a camera is says nothing of the next one', async t => {
  const server = await RtspServer.start(t)
  const { port } = server
  const endpoint = await loopbackEndpoint(t)
  const asked = []
  const lookup = () =>
    new Promise(resolve => {
      const late = asked.at(-1)
      asked.push(resolve)
      if (asked.length === 1) resolve(['127.0.0.1'])
      // The one before was given up, or there would be no other: now its answer comes, and after that the one to this one.
      if (asked.length <= 2) return
      late(['10.0.0.1'])
      setTimeout(resolve, 50, ['127.0.0.1'])
    })
  const input = await endpoint.pullRtsp(`rtsp://camera.example:${port}/`, {
    ...QUICK,
    allowPrivate: false,
    allow: ['127.0.0.1'],
    lookup,
    timeout: 2000
  })
  await flowing(input)
  const codes = []
  input.on('reconnecting', ({ error }) => codes.push(error.code))
  const back = nextEvent(input, 'connected', 20_000)
  await server.stop()
  await RtspServer.start(t, { port })
  await back
  assert.ok(asked.length > 2)
  assert.ok(!codes.includes('ERR_FORBIDDEN_ADDRESS'), `${codes}`)
})

test('where the first address of a camera has nobody, the next one is asked', async t => {
  const server = await RtspServer.start(t)
  const endpoint = await loopbackEndpoint(t)
  const hung = net.createServer(socket => socket.on('error', () => {}))
  hung.listen(server.port, '127.0.0.3')
  await once(hung, 'listening')
  t.after(() => hung.close())
  // Nobody at the first, somebody who says nothing at the second, and an address that may not be asked between them.
  const lookup = async () => ['127.0.0.2', '10.0.0.1', '127.0.0.3', '127.0.0.1']
  const allow = ['127.0.0.0/8']
  const input = await endpoint.pullRtsp(`rtsp://camera.example:${server.port}/`, {
    ...QUICK,
    allowPrivate: false,
    allow,
    lookup,
    timeout: 1500
  })
  await flowing(input)
  const nobody = async () => ['127.0.0.2', '127.0.0.4']
  await assert.rejects(endpoint.pullRtsp(`rtsp://camera.example:${server.port}/`, { ...QUICK, lookup: nobody }), { code: 'ERR_IO' })
})

test('tracks are muted while their camera says nothing, and as long as it is gone', async t => {
  const server = await RtspServer.start(t)
  const input = await pulled(t, server, { silence: 400 })
  await flowing(input)
  const told = []
  for (const track of input.tracks) {
    for (const name of ['mute', 'unmute']) track.on(name, () => told.push(`${track.kind} ${name}`))
  }
  const all = muted => until(() => input.tracks.every(track => track.muted === muted), muted ? 'silence' : 'something again')
  server.sending = false
  await all(true)
  // It is asked anew, and there, and says nothing still.
  await nextEvent(input, 'connected')
  assert.ok(input.tracks.every(track => track.muted))
  server.sending = true
  await all(false)
  const { port } = server
  await server.stop()
  await all(true)
  await RtspServer.start(t, { port })
  await all(false)
  // However often it was: one after the other, and both together.
  for (const kind of ['video', 'audio']) {
    const own = told.filter(name => name.startsWith(kind))
    assert.ok(own.length >= 4)
    assert.ok(
      own.every((name, index) => name === `${kind} ${index % 2 === 0 ? 'mute' : 'unmute'}`),
      `${own}`
    )
  }
})

/** I P B B and so on, of 20 ms each: numbers in the order of decoding, times in that of showing. */
function withBFrames(kind, number) {
  if (kind !== 'video') return undefined
  const shown = number === 0 ? 0 : [2, -1, -1][(number - 1) % 3] + number
  const units = number === 0 ? [PARAMETER_SETS, SLICES.keyframe] : [SLICES.other]
  return units.map((payload, index) =>
    rtp({
      pt: 96,
      sequence: number === 0 ? index : number + 1,
      timestamp: (shown + 1) * 1800,
      ssrc: 7,
      marker: index === units.length - 1,
      payload
    })
  )
}

test('pictures of a camera that have B-frames are told of and left out, and are for mixers where that is asked for', async t => {
  const server = await RtspServer.start(t, { sdp: SDP.replace(AUDIO, ''), packets: withBFrames })
  const endpoint = await loopbackEndpoint(t)
  const player = await socket(t)
  const sink = await endpoint.createRtpTransport({
    video: { codecs: [{ name: 'h264', payloadType: 96 }], direction: 'sendonly', remote: { address: '127.0.0.1', port: player.port } }
  })
  const input = await endpoint.pullRtsp(server.url, QUICK)
  const told = nextEvent(input, 'warning')
  sink.outgoingTracks[0].attachTo(input.tracks[0])
  const [warning] = await told
  assert.equal(warning.code, 'ERR_B_FRAMES')
  assert.deepEqual(input.warnings, [warning])
  assert.ok(!input.tracks[0].reordered)
  const { packetsReceived } = await input.getStats()
  await until(async () => (await input.getStats()).packetsReceived > packetsReceived + 20, 'more of them')
  const times = new Set(player.received.filter(packet => packet[1] < 192 || packet[1] > 223).map(packet => packet.readUInt32BE(4)))
  assert.ok(times.size <= 2, `no more than came before the first of them: ${[...times]}`)

  const mixed = await endpoint.pullRtsp(server.url, { ...QUICK, bFrames: 'mix' })
  const [track] = mixed.tracks
  assert.ok(track.reordered)
  assert.throws(() => sink.outgoingTracks[0].attachTo(track), { code: 'ERR_B_FRAMES' })
  await flowing(mixed, 20)
  assert.deepEqual(mixed.warnings, [])
})

test('a camera that vanishes comes back in the same tracks, and what watches them goes on', async t => {
  const server = await RtspServer.start(t)
  const input = await pulled(t, server)
  const output = await input.endpoint.createRtpTransport({
    video: { codecs: [{ name: 'h264', payloadType: 96 }], direction: 'sendonly', remote: { address: '127.0.0.1', port: 9 } }
  })
  output.outgoingTracks[0].attachTo(input.tracks[0])
  await flowing(input)
  const { tracks } = input
  const { port } = server
  const gone = nextEvent(input, 'reconnecting')
  await server.stop()
  const [{ delay, error }] = await gone
  assert.ok(delay >= 20 && error.code === 'ERR_IO')
  const back = nextEvent(input, 'connected')
  await RtspServer.start(t, { port })
  await back
  assert.deepEqual(input.tracks, tracks)
  assert.ok(tracks.every(track => !track.closed))
  const { packetsSent } = (await output.getStats()).outgoingTracks[0]
  await until(async () => (await output.getStats()).outgoingTracks[0].packetsSent > packetsSent + 10, 'packets after it came back')
  assert.equal((await input.getStats()).connections, 2)
})

test('one that is connected and sends nothing has stalled, and is asked anew', async t => {
  const server = await RtspServer.start(t)
  const input = await pulled(t, server, { silence: 300 })
  await flowing(input)
  const [stalled, again, back] = ['stalled', 'reconnecting', 'connected'].map(name => nextEvent(input, name))
  server.sending = false
  await stalled
  assert.match((await again)[0].error.message, /300 ms/)
  server.sending = true
  await back
  assert.ok((await input.getStats()).stalls > 0)
})

test('where it is not to be tried again, the end of the server is the end of the input', async t => {
  const server = await RtspServer.start(t)
  const input = await pulled(t, server, { reconnect: false })
  const [track] = input.tracks
  const errors = []
  input.on('error', error => errors.push(error.code))
  input.on('closed', reason => errors.push(reason))
  const ended = nextEvent(track, 'closed')
  await server.stop()
  await ended
  await until(() => errors.length === 2, 'the end of the input')
  assert.deepEqual(errors, ['ERR_IO', 'error'])
  assert.deepEqual(input.endpoint.rtspInputs, [])
})

test('a camera with another codec than before has other tracks', async t => {
  const options = {}
  const server = await RtspServer.start(t, { answers: { DESCRIBE: () => options.own } })
  const input = await pulled(t, server)
  const [video] = input.tracks
  const sdp = SDP.replace('H264', 'H265')
  options.own = ['200 OK', `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`]
  const port = server.port
  const closed = nextEvent(video, 'closed')
  const back = nextEvent(input, 'connected')
  await server.stop()
  await RtspServer.start(t, { port, answers: { DESCRIBE: () => options.own } })
  await Promise.all([closed, back])
  assert.deepEqual(
    input.tracks.map(({ codecs }) => codecs[0]),
    ['h265', 'pcma']
  )
})

test('what is not taken is left out with its name, and nothing at all is an error', async t => {
  const metadata = 'm=application 0 RTP/AVP 107\r\na=control:track3\r\n'
  const server = await RtspServer.start(t, { sdp: SDP.replace(AUDIO, 'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000\r\n') + metadata })
  const endpoint = await loopbackEndpoint(t)
  const input = await endpoint.pullRtsp(server.url, QUICK)
  assert.deepEqual(
    input.tracks.map(({ kind }) => kind),
    ['video']
  )
  assert.deepEqual(
    input.warnings.map(({ code, message }) => [code, /G726-32/.test(message)]),
    [['ERR_CODEC_MISMATCH', true]]
  )
  const motion = await RtspServer.start(t, { sdp: SDP.replace(AUDIO, '').replace(VIDEO, 'm=video 0 RTP/AVP 26\r\n') })
  await assert.rejects(endpoint.pullRtsp(motion.url, QUICK), { code: 'ERR_CODEC_MISMATCH' })
})

/** Servers that are none, by what they write to whoever comes. */
const WRONG = [
  ['what is no RTSP', socket => socket.write('\x00\x01\x02garbage'), 'ERR_FORMAT'],
  ['HTTP', socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_FORMAT'],
  ['an endless header', socket => socket.write(`RTSP/1.0 200 OK\r\nX: ${'a'.repeat(200_000)}`), 'ERR_FORMAT'],
  ['headers without an end', socket => socket.write(`RTSP/1.0 200 OK\r\n${'A: b\r\n'.repeat(2000)}\r\n`), 'ERR_FORMAT'],
  [
    'a body that would fill the memory',
    socket => socket.write('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4000000000\r\n\r\n'),
    'ERR_FORMAT'
  ],
  ['nothing', () => {}, 'ERR_IO'],
  ['a goodbye', socket => socket.end(), 'ERR_IO']
]

for (const [name, write, code] of WRONG) {
  test(`a server that says ${name} is an error, and other inputs go on`, async t => {
    const good = await RtspServer.start(t)
    const input = await pulled(t, good)
    const wrong = net.createServer(socket => {
      socket.on('error', () => {})
      write(socket)
    })
    wrong.listen(0, '127.0.0.1')
    await once(wrong, 'listening')
    t.after(() => wrong.close())
    const url = `rtsp://127.0.0.1:${wrong.address().port}/`
    await assert.rejects(input.endpoint.pullRtsp(url, { ...QUICK, timeout: 500 }), { code })
    const { packetsReceived } = await input.getStats()
    await until(async () => (await input.getStats()).packetsReceived > packetsReceived, 'packets of the other')
  })
}

test('an endpoint that closes ends what is fetched, also while nobody has answered yet', async t => {
  const silent = await RtspServer.start(t, { answers: { DESCRIBE: () => null } })
  const server = await RtspServer.start(t)
  const input = await pulled(t, server)
  const waiting = assert.rejects(input.endpoint.pullRtsp(silent.url, QUICK), { code: 'ERR_CLOSED' })
  await until(() => silent.methods().includes('DESCRIBE'), 'a question')
  const closed = nextEvent(input, 'closed')
  await input.endpoint.close()
  assert.deepEqual(await closed, ['parent'])
  await waiting
})
