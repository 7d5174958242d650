'use strict'

/** Inputs of the room server: stream keys that are tokens, the API, and `medialoom ctl`. */

const assert = require('node:assert/strict')
const { execFile, spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, afterEach, before, test } = require('node:test')
const { promisify } = require('node:util')
const { Endpoint } = require('medialoom')
const { KeyRing, createToken } = require('medialoom/auth')
const { CipherContext, HashAlgorithm, SignatureAlgorithm } = require('werift')
const { until } = require('../support/events.js')
const { RtmpClient } = require('../support/rtmp.js')
const { RtspServer, digest } = require('../support/rtsp.js')
const { SrtClient } = require('../support/srt.js')
const { SignalingClient } = require('./signaling-client.js')

const CLI = path.join(__dirname, '../../scripts/cli.js')
const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'room-server', secret: SECRET })
const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0
const takesRtp = 'createRtpTransport' in Endpoint.prototype

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
let admin = ''
/** @type {number} */
let port

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    keys: [{ id: 'room-server', secret: SECRET }],
    inputs: { rtmpPort: 0, srtPort: 0 },
    limits: { maxInputsPerRoom: 2, maxInputsPerAddress: 3 }
  })
  port = server.inputs.ports.rtmp ?? 0
  admin = await createToken(keys, { video: { room: 'loom', roomAdmin: true } })
})
after(() => server.close())
afterEach(async () => {
  for (const room of [...server.rooms]) room.close()
  await until(() => server.rooms.size === 0, 'empty rooms')
})

/** A stream key. @param {object} [video] @param {object} [rest] */
const keyOf = (video = {}, rest = {}) => createToken(keys, { name: 'Stage', ...rest, video: { room: 'loom', roomJoin: true, ...video } })

/** @param {any} t @param {string} key */
const push = (t, key, app = 'live') => RtmpClient.publish(t, port, { key, app })

const inRoom = (room = 'loom') => server.rooms.get(room)?.participants ?? []

/** @param {string} method @param {string} [path] @param {object} [body] */
async function ask(method, path = '', body, token = admin, of = server) {
  const response = await fetch(new URL(`/api/rooms/loom/inputs${path}`, of.url), {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) })
  })
  return { status: response.status, answer: response.status === 204 ? null : await response.json() }
}

test('ffmpeg pushes with a token as its key: those in the room see who it is and what it sends', { skip: !ffmpeg }, async t => {
  const token = await createToken(keys, { name: 'Ada', video: { room: 'loom', roomJoin: true } })
  const ada = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada', token })
  t.after(() => ada.close())
  const key = await keyOf({}, { identity: 'obs' })
  const video = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=320x240:r=15',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '15',
    '-pix_fmt',
    'yuv420p'
  ]
  const encoder = spawn('ffmpeg', ['-v', 'error', ...video, '-f', 'flv', `rtmp://127.0.0.1:${port}/live/${key}`], { stdio: 'ignore' })
  t.after(() => encoder.kill('SIGKILL'))
  const { participant } = await ada.next('joined', undefined, 20_000)
  assert.deepEqual([participant.name, participant.identity, participant.role], ['Stage', 'obs', 'publisher'])
  await until(() => server.rooms.get('loom')?.byIdentity('obs')?.tracks.length === 1, 'a picture', 20_000)
  const { answer } = await ask('GET')
  assert.deepEqual(
    answer.inputs.map(({ name, type, address, tracks }) => [name, type, address, tracks]),
    [['Stage', 'rtmp', '127.0.0.1', [{ kind: 'video', codec: 'h264' }]]]
  )
  encoder.kill('SIGKILL')
  await until(() => inRoom().length === 1, 'nobody but Ada', 20_000)
})

test('an encoder that falls silent sends nothing to those in the room, until it does again', async t => {
  const token = await createToken(keys, { name: 'Ada', video: { room: 'loom', roomJoin: true } })
  const ada = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada', token })
  t.after(() => ada.close())
  const encoder = await push(t, await keyOf())
  /** @param {string} text */
  const frame = text => Buffer.from(text, 'hex')
  const told = async () => (await ada.seen('updated')).at(-1)?.participant.video
  encoder.video(0, frame('17000000000142c00dffe100096742c00dda0507e84001000468ce3c80'))
  encoder.video(0, frame('17010000000000000465888409'))
  await until(async () => (await told()) === true, 'a picture')
  // As long as it takes until silence is one.
  await until(async () => (await told()) === false, 'its silence', 20_000)
  assert.equal(inRoom().length, 2)
  encoder.video(6000, frame('270100000000000003419a07'))
  await until(async () => (await told()) === true, 'the next one')
})

test('whoever has no token for it is told so as RTMP has it, and is not in the room', async t => {
  const others = {
    'no token': 'secret',
    'of another secret': await createToken(new KeyRing({ id: 'room-server', secret: 'x'.repeat(40) }), {
      video: { room: 'loom', roomJoin: true }
    }),
    'not to join': await keyOf({ roomJoin: false }),
    'not to publish': await keyOf({ canPublish: false }),
    'not to make the room': await keyOf({ roomCreate: false })
  }
  for (const [what, key] of Object.entries(others)) {
    const client = await push(t, key)
    await until(() => client.said('NetStream.Publish.BadName'), `a refusal: ${what}`)
    assert.equal(server.rooms.size, 0, what)
  }
})

test('a token for one room is for that room whatever the application is; of one for all rooms that is the room', async t => {
  await push(t, await keyOf(), 'elsewhere')
  await push(t, await keyOf({ room: '*' }), 'weft')
  await until(() => inRoom().length === 1 && inRoom('weft').length === 1, 'both')
})

test('who is banned stays out, and who comes again takes the place that is theirs', async t => {
  const key = await keyOf({}, { identity: 'obs' })
  const first = await push(t, key)
  await until(() => inRoom().length === 1, 'the first')
  const [before] = inRoom()
  await push(t, key)
  await until(() => first.ended && before.closed, 'the first to go')
  assert.equal(inRoom().length, 1)
  server.rooms.join('loom', { name: 'Ada' })
  server.rooms.get('loom')?.ban('obs')
  const third = await push(t, key)
  await until(() => third.ended, 'the third to be sent away')
  assert.deepEqual(
    inRoom().map(({ name }) => name),
    ['Ada']
  )
})

test('a room and an address have so many inputs and no more', async t => {
  await Promise.all([push(t, await keyOf()), push(t, await keyOf())])
  await until(() => inRoom().length === 2, 'two inputs')
  const third = await push(t, await keyOf())
  await until(() => third.said('NetStream.Publish.BadName'), 'the room to be full')
  await push(t, await keyOf({ room: 'weft' }))
  await until(() => inRoom('weft').length === 1, 'another room')
  const fifth = await push(t, await keyOf({ room: 'warp' }))
  await until(() => fifth.said('NetStream.Publish.BadName'), 'the address to have enough')
  assert.equal(inRoom('warp').length, 0)
})

test('the API makes stream keys, and lists and takes out inputs, for those who may', async t => {
  const made = await ask('POST', '', { type: 'rtmp', name: 'Camera 1' })
  assert.equal(made.status, 201)
  assert.deepEqual(made.answer.servers, [`rtmp://127.0.0.1:${port}/live`])
  const client = await push(t, made.answer.key)
  await until(() => inRoom().length === 1, 'the input')
  const [{ id, name, identity, type }] = (await ask('GET')).answer.inputs
  assert.deepEqual([name, type], ['Camera 1', 'rtmp'])
  assert.match(identity, /^encoder-/)
  assert.equal((await ask('DELETE', '/nobody')).status, 404)
  assert.equal((await ask('DELETE', `/${id}`)).status, 204)
  await until(() => client.said('NetStream.Publish.Denied') && client.ended, 'the encoder to hear of it')
  assert.equal(inRoom().length, 0)

  const guest = await keyOf()
  for (const [method, body] of /** @type {const} */ ([
    ['GET', undefined],
    ['POST', { type: 'rtmp' }],
    ['DELETE', undefined]
  ])) {
    assert.equal((await ask(method, method === 'DELETE' ? '/somebody' : '', body, guest)).status, 403)
  }
  assert.equal((await ask('GET', '', undefined, '')).status, 401)
})

test('a stream key is a stream id of SRT as well, and one that does not do is refused by its code', async t => {
  const { answer } = await ask('POST', '', { type: 'srt', name: 'Camera 2' })
  const { srt: srtPort = 0 } = server.inputs.ports
  assert.equal(answer.srt, `srt://127.0.0.1:${srtPort}?streamid=${answer.key}`)
  assert.ok(answer.key.length <= 512, 'an id has so many bytes at most')
  const client = await SrtClient.call(t, srtPort, { id: `#!::r=live/${answer.key},m=publish` })
  await until(() => client.accepted && inRoom().length === 1, 'the input')
  const [{ id, name, type, address }] = (await ask('GET')).answer.inputs
  assert.deepEqual([name, type, address], ['Camera 2', 'srt', '127.0.0.1'])
  assert.equal((await ask('DELETE', `/${id}`)).status, 204)
  await until(() => client.gone, 'the encoder to hear of it')
  const wrong = await SrtClient.call(t, srtPort, { id: 'live/secret' })
  await until(() => wrong.answer !== null, 'an answer')
  assert.equal(wrong.answer, 1403)
  assert.equal(inRoom().length, 0)
})

test('what is asked for is checked, and private addresses are not asked', async () => {
  const refused = async (body, status, code) => {
    const { status: got, answer } = await ask('POST', '', body)
    assert.deepEqual([got, answer.code], [status, code], JSON.stringify(body))
  }
  await refused({ type: 'smoke' }, 400, 'bad-request')
  await refused({ type: 'rtmp', expiresIn: 0 }, 400, 'bad-request')
  await refused({ type: 'rtp' }, 400, 'bad-request')
  await refused({ type: 'rtp', sdp: 'v=0', from: ['localhost'] }, 400, 'bad-request')
  await refused({ url: 'http://192.88.98.1/' }, 400, 'bad-request')
  for (const host of ['127.0.0.1', 'localhost', '10.1.2.3', '[::1]', '[::ffff:10.0.0.1]', '[fe80::1]', '169.254.169.254', '2130706433']) {
    await refused({ url: `rtsp://${host}/camera` }, 403, 'forbidden-address')
    await refused({ url: `srt://${host}:9000?streamid=camera` }, 403, 'forbidden-address')
  }
  await refused({ url: 'rtsps://127.0.0.1/' }, 403, 'forbidden-address')
  for (const rest of [
    '',
    ':9000?streamid=#!::r=a',
    ':9000/live',
    ':9000?mode=listener',
    ':9000?passphrase=short',
    ':9000?pbkeylen=24',
    ':9000?latency=soon',
    ':9000?adapter=eth0'
  ]) {
    await refused({ url: `srt://192.88.98.1${rest}` }, 400, 'bad-request')
  }
  if (!takesRtp) await refused({ type: 'rtp', sdp: 'v=0' }, 501, 'not-supported')
})

test('a camera that is fetched is somebody in the room, and why one is not is told', async t => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  const inside = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    keys: [{ id: 'room-server', secret: SECRET }],
    inputs: { allowPrivate: true }
  })
  t.after(() => inside.close())
  const camera = await RtspServer.start(t)
  const locked = await RtspServer.start(t, { answers: { DESCRIBE: digest({ user: 'me', password: 'word' }) } })
  const added = await ask('POST', '', { url: camera.url, name: 'Gate' }, admin, inside)
  assert.equal(added.status, 201, JSON.stringify(added.answer))
  assert.deepEqual([added.answer.name, added.answer.type, added.answer.state], ['Gate', 'rtsp', 'connected'])
  const [participant] = inside.rooms.get('loom')?.participants ?? []
  await until(() => participant?.tracks.length === 2, 'sound and pictures')
  const refused = async (/** @type {string} */ url) => {
    const { status, answer } = await ask('POST', '', { url }, admin, inside)
    return [status, answer.code, answer.field]
  }
  assert.deepEqual(await refused(locked.url), [422, 'wrong-password', 'url'])
  assert.deepEqual(await refused('rtsp://127.0.0.1:1/'), [422, 'unreachable', 'url'])
  assert.equal((await ask('DELETE', `/${added.answer.id}`, undefined, admin, inside)).status, 204)
  await until(() => camera.methods().at(-1) === 'TEARDOWN', 'the goodbye')
})

test('who listens by SRT is fetched, and is somebody in the room', { timeout: 60_000 }, async t => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  const inside = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    keys: [{ id: 'room-server', secret: SECRET }],
    inputs: { allowPrivate: true }
  })
  t.after(() => inside.close())
  const endpoint = /** @type {import('medialoom').Endpoint} */ (inside.rooms.endpoint)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  const passphrase = 'a-passphrase-of-ours'
  const sources = { video: mixer.video, audio: mixer.audio, streamId: 'stage', passphrase }
  const output = await endpoint.createSrtOutput('srt://127.0.0.1:0', { ...sources, mode: 'listener' })
  const url = `srt://127.0.0.1:${output.port}?mode=caller&streamid=stage&passphrase=`
  const wrong = await ask('POST', '', { url: `${url}another-passphrase` }, admin, inside)
  assert.deepEqual([wrong.status, wrong.answer.code, wrong.answer.field], [422, 'unreachable', 'url'])
  const { status, answer } = await ask('POST', '', { url: `${url}${passphrase}&latency=60`, name: 'Stage' }, admin, inside)
  assert.equal(status, 201, JSON.stringify(answer))
  assert.deepEqual([answer.name, answer.type, answer.state], ['Stage', 'srt', 'connected'])
  const [participant] = inside.rooms.get('loom')?.participants ?? []
  await until(() => participant?.tracks.length === 2, 'sound and pictures', 20_000)
  assert.equal((await ask('DELETE', `/${answer.id}`, undefined, admin, inside)).status, 204)
  await until(async () => (await output.getStats()).link.watchers === 0, 'the goodbye')
})

test('plain RTP is listened for on ports of the server, by the SDP of whoever sends it', { skip: !takesRtp }, async () => {
  const sdp = [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=camera',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    'm=video 5004 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    'a=fmtp:96 packetization-mode=1',
    ''
  ].join('\r\n')
  const { status, answer } = await ask('POST', '', { type: 'rtp', sdp, name: 'Camera' })
  assert.equal(status, 201, JSON.stringify(answer))
  assert.deepEqual([answer.type, answer.host, answer.from], ['rtp', '127.0.0.1', ['127.0.0.1']])
  assert.deepEqual(
    answer.ports.map(({ kind }) => kind),
    ['video']
  )
  assert.notEqual(answer.ports[0].port, 5004)
  assert.deepEqual(
    inRoom().map(({ name }) => name),
    ['Camera']
  )
  assert.equal((await ask('DELETE', `/${answer.id}`)).status, 204)
  assert.equal((await ask('POST', '', { type: 'rtp', sdp: 'nonsense' })).status, 400)
})

test('ctl makes keys, and lists and removes inputs', async t => {
  const ctl = (...args) =>
    promisify(execFile)(process.execPath, [CLI, 'ctl', ...args, '--url', server.url], { env: { ...process.env, MEDIALOOM_SECRET: SECRET } })
  const { stdout } = await ctl('key', 'loom', '--name', 'Camera 2')
  const [, key] = /^key +(\S+)$/m.exec(stdout) ?? assert.fail(stdout)
  await push(t, key)
  await until(() => inRoom().length === 1, 'the input')
  const [{ id }] = inRoom()
  assert.match((await ctl('inputs', 'loom')).stdout, /Camera 2 +rtmp +127\.0\.0\.1/)
  await ctl('remove-input', 'loom', id)
  assert.equal(inRoom().length, 0)
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-sdp-')), 'camera.sdp')
  t.after(() => fs.rmSync(path.dirname(file), { recursive: true }))
  fs.writeFileSync(file, 'nonsense')
  await assert.rejects(ctl('add-input', 'loom', file), ({ stderr }) => /^(400|501): /.test(stderr))
  await assert.rejects(ctl('add-input', 'loom', 'rtsp://127.0.0.1/'), ({ stderr }) => /^403: /.test(stderr))
})

test('a server that drains lets no encoder in any more', async t => {
  server.entrance.draining = true
  t.after(() => (server.entrance.draining = false))
  const client = await push(t, await keyOf())
  await until(() => client.said('NetStream.Publish.BadName'), 'a refusal')
  assert.equal(server.rooms.size, 0)
})

test('where nobody needs a token, the application is the room and the key the name; with a certificate it is RTMPS', async t => {
  const { certPem, keyPem } = await CipherContext.createSelfSignedCertificateWithKey({
    signature: SignatureAlgorithm.ecdsa_3,
    hash: HashAlgorithm.sha256_4
  })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-rtmps-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const tls = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') }
  fs.writeFileSync(tls.cert, certPem)
  fs.writeFileSync(tls.key, keyPem)
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  const open = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    open: true,
    tls,
    inputs: { rtmpsPort: 0 }
  })
  t.after(() => open.close())
  const { rtmps = 0, ...others } = open.inputs.ports
  assert.deepEqual(others, {})
  await RtmpClient.publish(t, rtmps, { app: encodeURIComponent('the loom'), key: encodeURIComponent('Stage camera'), secure: true })
  await until(() => open.rooms.get('the loom')?.participants[0]?.name === 'Stage camera', 'the input')
  assert.deepEqual(open.inputs.urls('media.example', 'the loom'), [`rtmps://media.example:${rtmps}/the%20loom`])
})
