'use strict'

/** What encoders push by RTMP, with an encoder made by hand: who is let in, what its tracks are, how all of it ends. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { CipherContext, HashAlgorithm, SignatureAlgorithm } = require('werift')
const { InputTrack, MediaInput, RtmpServer } = require('../..')
const { authority } = require('../support/certificates.js')
const { nextEvent, until, within } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { RtmpClient } = require('../support/rtmp.js')

const hex = text => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** Parameter sets and a slice of 320x240, baseline. */
const AVC_CONFIG = hex('17 00 000000 01 42c00d ff e1 0009 6742c00dda0507e840 01 0004 68ce3c80')
const AVC_KEYFRAME = hex('17 01 000000 00000004 65888409')
const AVC_FRAME = hex('27 01 000000 00000003 419a07')
const AAC_CONFIG = hex('af 00 1190')
const VPS = '40010c01ffff01600000030090000003000003001e959409'
const SPS = '42010101600000030090000003000003001ea0208105965654a4c2f0168080000003008000000f04'
const PPS = '4401c073c089'
const set = (kind, text) => `${kind} 0001 ${(text.length / 2).toString(16).padStart(4, '0')} ${text}`
const HVCC = `01 ${'00'.repeat(20)} 03 03 ${set('20', VPS)} ${set('21', SPS)} ${set('22', PPS)}`
const AV1_SEQUENCE = '0a0a00000002afff9b5f2008'
const AV1_FRAME = '32141000c00000028000000a0579526e43d93a460228'

async function server(t, options = {}) {
  const endpoint = await loopbackEndpoint(t)
  const authorize = ({ key }) => key === 'secret'
  return endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize, ...options })
}

async function published(t, made, options) {
  const input = nextEvent(made, 'input')
  const client = await RtmpClient.publish(t, made.port, options)
  return { client, input: (await input)[0] }
}

test('options are checked, and a port that is taken is told by its name', async t => {
  const endpoint = await loopbackEndpoint(t)
  const authorize = () => true
  const refused = (options, field) => assert.rejects(endpoint.createRtmpServer(options), { field })
  await refused({}, 'options.authorize')
  await refused({ authorize, port: 70_000 }, 'options.port')
  await refused({ authorize, ip: 'localhost' }, 'options.ip')
  await refused({ authorize, host: '::1' }, 'options.host')
  await refused({ authorize, tls: { cert: 'no PEM', key: 'nor this' } }, 'options.tls.cert')
  await refused({ authorize, tls: { cert: 7, key: '' } }, 'options.tls.cert')
  const first = await endpoint.createRtmpServer({ authorize, port: 0, ip: '127.0.0.1' })
  assert.ok(first instanceof RtmpServer && first.port > 0 && !first.secure)
  assert.deepEqual(endpoint.rtmpServers, [first])
  await assert.rejects(endpoint.createRtmpServer({ authorize, port: first.port, ip: '127.0.0.1' }), {
    code: 'ERR_LISTEN',
    field: 'options.port'
  })
})

test('a publisher with the right key is let in, and its app, key and address are told', async t => {
  const asked = []
  const authorize = async publisher => asked.push(publisher) > 0
  const { client, input } = await published(t, await server(t, { authorize }), { app: 'stage', key: 'secret?a=1' })
  assert.deepEqual(asked, [{ app: 'stage', key: 'secret?a=1', address: '127.0.0.1' }])
  assert.ok(input instanceof MediaInput)
  assert.deepEqual([input.app, input.key, input.address], ['stage', 'secret?a=1', '127.0.0.1'])
  await until(() => client.said('NetStream.Publish.Start'), 'the answer')
})

test('a publisher with a wrong key is told so, and so is one of whom the application throws', async t => {
  const made = await server(t, {
    authorize: ({ key }) => {
      if (key === 'broken') throw new Error('the database is away')
      return 'yes'
    }
  })
  made.on('input', () => assert.fail('nothing but true lets in'))
  const wrong = await RtmpClient.publish(t, made.port, { key: 'wrong' })
  await until(() => wrong.said('NetStream.Publish.BadName') && wrong.ended, 'the refusal')
  assert.ok(wrong.said('not authorized'))
  const failed = nextEvent(made, 'error')
  const broken = await RtmpClient.publish(t, made.port, { key: 'broken' })
  assert.match((await failed)[0].message, /the database is away/)
  await until(() => broken.said('NetStream.Publish.BadName') && broken.ended, 'the refusal')
  assert.ok(!broken.said('database'))
})

test('H264 and AAC become an H264 and an Opus track, and what is said of them is told', async t => {
  const { client, input } = await published(t, await server(t))
  const metadata = nextEvent(input, 'metadata')
  client.metadata({ width: 320, encoder: 'by hand', stereo: true })
  assert.deepEqual((await metadata)[0], { width: 320, encoder: 'by hand', stereo: true })
  client.video(0, AVC_CONFIG)
  client.audio(0, AAC_CONFIG)
  client.video(0, AVC_KEYFRAME)
  client.video(33, AVC_FRAME)
  await until(() => input.tracks.length === 2, 'two tracks')
  const [video, audio] = ['video', 'audio'].map(kind => input.tracks.find(track => track.kind === kind))
  assert.ok(video instanceof InputTrack && video.input === input && video.endpoint === input.endpoint)
  assert.deepEqual([video.codecs, video.width, video.height], [['h264'], 320, 240])
  assert.deepEqual([audio.codecs, audio.width, audio.rids], [['opus'], null, []])
  await until(async () => (await input.getStats()).video?.frames === 2, 'two frames')
  const stats = await input.getStats()
  assert.deepEqual(stats.video, { codec: 'h264', frames: 2, keyframes: 1, framesDropped: 0, packets: 3 })
  assert.equal(stats.clockJumps, 0)
})

const ENHANCED = [
  ['HEVC by FourCC', 'h265', 64, [hex(`90 68766331 ${HVCC}`), hex('93 68766331 00000004 2601af00')]],
  ['HEVC as codec id 12', 'h265', 64, [hex(`1c 00 000000 ${HVCC}`), hex('1c 01 000000 00000004 2601af00')]],
  [
    'H264 by FourCC',
    'h264',
    320,
    [Buffer.concat([hex('90 61766331'), AVC_CONFIG.subarray(5)]), hex('91 61766331 000000 00000004 65888409')]
  ],
  ['AV1', 'av1', 64, [hex(`90 61763031 81000c00 ${AV1_SEQUENCE}`), hex(`91 61763031 ${AV1_FRAME}`)]],
  ['VP9', 'vp9', 320, [hex('91 76703039 824983422013f00b30')]]
]

for (const [name, codec, width, tags] of ENHANCED) {
  test(`${name} becomes a track of ${codec} with the size of its pictures`, async t => {
    const { client, input } = await published(t, await server(t), { capsEx: 1, fourCcList: { 0: '*' } })
    assert.ok(client.said('fourCcList'))
    tags.forEach((tag, index) => client.video(40 * index, tag))
    const [track] = await nextEvent(input, 'track')
    assert.deepEqual([track.codecs, track.width], [[codec], width])
  })
}

test('Opus goes on as it is', async t => {
  const { client, input } = await published(t, await server(t))
  client.audio(0, Buffer.concat([hex('90'), Buffer.from('OpusOpusHead'), hex('0102 0000 80bb0000 0000 00')]))
  client.audio(0, Buffer.concat([hex('91'), Buffer.from('Opus'), hex('780102')]))
  const [track] = await nextEvent(input, 'track')
  assert.deepEqual([track.kind, track.codecs], ['audio', ['opus']])
  await until(async () => (await input.getStats()).audio?.packets === 1, 'a packet')
})

const REFUSED = [
  ['multitrack', 'video', hex('96 00 68766331'), 'ERR_CODEC_MISMATCH', /multitrack/],
  ['MP3', 'audio', hex('2f 0102'), 'ERR_CODEC_MISMATCH', /MP3/],
  ['Sorenson H.263', 'video', hex('12 0102'), 'ERR_CODEC_MISMATCH', /H\.263/],
  ['an unknown FourCC', 'video', hex('91 78787878 00'), 'ERR_CODEC_MISMATCH', /'xxxx'/],
  ['HE-AAC', 'audio', hex('af 00 2b920800'), 'ERR_CODEC_MISMATCH', /HE-AAC/],
  ['AAC of 5.1', 'audio', hex('af 00 11b0'), 'ERR_CODEC_MISMATCH', /mono or stereo/],
  ['a tag that is cut off', 'video', hex('17 01 00'), 'ERR_FORMAT', /damaged/]
]

test('what is not taken is refused by its name, and the rest goes on', async t => {
  const { client, input } = await published(t, await server(t))
  const warnings = []
  input.on('warning', warning => warnings.push(warning))
  for (const [, kind, tag] of REFUSED) client[kind](0, tag)
  await until(() => warnings.length === REFUSED.length, 'the warnings')
  for (const [index, [name, , , code, message]] of REFUSED.entries()) {
    assert.equal(warnings[index].code, code, name)
    assert.match(warnings[index].message, message)
  }
  for (const [, kind, tag] of REFUSED) client[kind](0, tag)
  client.video(0, AVC_CONFIG)
  client.video(0, AVC_KEYFRAME)
  await nextEvent(input, 'track')
  assert.equal(warnings.length, REFUSED.length, 'each once')
})

test('pictures with B-frames are refused with the reason, and sound goes on', async t => {
  const { client, input } = await published(t, await server(t))
  const warning = nextEvent(input, 'warning')
  client.video(0, AVC_CONFIG)
  client.video(0, hex('17 01 000042 00000004 65888409'))
  client.video(33, hex('27 01 000085 00000003 419a07'))
  const [error] = await warning
  assert.equal(error.code, 'ERR_B_FRAMES')
  assert.match(error.message, /-bf 0/)
  client.audio(0, AAC_CONFIG)
  const [track] = await nextEvent(input, 'track')
  assert.equal(track.kind, 'audio')
  assert.equal((await input.getStats()).video, null)
})

test('an input ends with its encoder, its server, its endpoint, or by itself', async t => {
  const ends = [
    ['remote', client => client.deleteStream()],
    ['remote', client => client.destroy()],
    ['error', client => client.write(Buffer.alloc(64, 0xff))],
    ['closed', (client, input) => input.close()],
    ['parent', (client, input) => void input.server.close()],
    ['parent', (client, input) => void input.endpoint.close()]
  ]
  for (const [reason, end] of ends) {
    const made = await server(t)
    const { client, input } = await published(t, made)
    client.video(0, AVC_CONFIG)
    client.video(0, AVC_KEYFRAME)
    const [track] = await nextEvent(input, 'track')
    const errors = []
    input.on('error', error => errors.push(error.code))
    const closed = [track, input].map(object => new Promise(resolve => object.on('closed', why => resolve(why))))
    end(client, input)
    const reasons = await within(10_000, Promise.all(closed), 'the end')
    assert.deepEqual(reasons, ['parent', reason])
    assert.deepEqual(errors, reason === 'error' ? ['ERR_FORMAT'] : [])
    assert.ok(input.closed && track.closed)
    assert.deepEqual(made.inputs, [])
    await until(() => client.ended || reason === 'remote', 'the end of the connection')
  }
})

test('more publishers than there may be are told so', async t => {
  const made = await server(t, { maxInputs: 1 })
  await published(t, made)
  const second = await RtmpClient.publish(t, made.port)
  await until(() => second.said('too many publishers') && second.ended, 'the refusal')
})

test('RTMPS is RTMP in TLS, and nothing else is heard there', async t => {
  const { certPem, keyPem } = await CipherContext.createSelfSignedCertificateWithKey({
    hash: HashAlgorithm.sha256_4,
    signature: SignatureAlgorithm.ecdsa_3
  })
  const made = await server(t, { tls: { cert: certPem, key: Buffer.from(keyPem) } })
  assert.ok(made.secure)
  const { client, input } = await published(t, made, { secure: true })
  await until(() => client.said('NetStream.Publish.Start'), 'the answer')
  client.video(0, AVC_CONFIG)
  client.video(0, AVC_KEYFRAME)
  await nextEvent(input, 'track')
  const plain = await RtmpClient.publish(t, made.port)
  await until(() => plain.ended, 'the end of a connection without TLS')
})

test('what a mixer makes is pushed to a server, with sound and pictures of one moment at one time', { timeout: 60_000 }, async t => {
  const made = await server(t)
  const { endpoint } = made
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  mixer.addPort({ label: 'Ada' }).setTone({ frequency: 440 })
  const url = `rtmp://127.0.0.1:${made.port}/live`
  const options = { audio: mixer.audio, video: mixer.video }
  await assert.rejects(endpoint.createRtmpOutput(`${url}/wrong`, options), { code: 'ERR_IO', message: /not authorized/ })
  const arrived = nextEvent(made, 'input')
  const output = await endpoint.createRtmpOutput(`${url}/secret`, options)
  const [input] = await arrived
  assert.deepEqual(endpoint.rtmpOutputs, [output])
  await until(() => input.tracks.length === 2, 'two tracks', 20_000)
  assert.deepEqual(input.tracks.map(track => track.codecs[0]).sort(), ['h264', 'opus'])
  assert.equal(input.tracks.find(track => track.kind === 'video').width, 320)
  await until(
    async () => {
      const { audio, video } = await input.getStats()
      return audio.packets > 50 && video.frames > 10
    },
    'a second of both',
    20_000
  )
  assert.ok((await output.getStats()).soundsSent > 50)
  const closed = nextEvent(input, 'closed')
  await output.close()
  assert.equal((await closed)[0], 'remote')
  assert.deepEqual([output.closed, endpoint.rtmpOutputs], [true, []])
})

test('what cannot be pushed is refused, and an output ends with its server', async t => {
  const made = await server(t)
  const { endpoint } = made
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['vp8'] } })
  const refused = (url, options, error) => assert.rejects(endpoint.createRtmpOutput(url, options), error)
  await refused('http://localhost/live/key', { audio: mixer.audio }, { field: 'url' })
  await refused('rtmp://localhost/key', { audio: mixer.audio }, error => !/key/.test(error.message.replace('KEY', '')))
  await refused('rtmp://localhost/live/key', {}, { field: 'options' })
  await refused('rtmp://localhost/live/key', { audio: mixer.video }, { field: 'options.audio' })
  await refused('rtmp://localhost/live/key', { video: mixer.video }, { code: 'ERR_CODEC_MISMATCH', field: 'options.video' })
  await refused('rtmp://127.0.0.1:1/live/key', { audio: mixer.audio }, { code: 'ERR_IO' })
  const output = await endpoint.createRtmpOutput(`rtmp://127.0.0.1:${made.port}/live/secret`, { audio: mixer.audio })
  const failed = new Promise(resolve => output.on('error', resolve))
  const closed = new Promise(resolve => output.on('closed', resolve))
  await made.close()
  assert.equal((await within(10_000, failed, 'the error')).code, 'ERR_IO')
  assert.equal(await closed, 'error')
})

/** A mixer that makes a tone: a source of Opus. */
async function tone(endpoint) {
  const mixer = await endpoint.createMixer({ audio: true })
  mixer.addPort().setTone({ frequency: 440 })
  return mixer.audio
}

test('RTMPS is pushed to who has a certificate for the name, of somebody who is believed', async t => {
  const known = authority(t)
  const made = await server(t, { tls: known.issue('IP:127.0.0.1') })
  const audio = await tone(made.endpoint)
  const url = `rtmps://127.0.0.1:${made.port}/live/secret`
  const push = options => made.endpoint.createRtmpOutput(url, { audio, ...options })
  const untrusted = { code: 'ERR_IO', message: /certificate/i }
  await assert.rejects(push({}), untrusted)
  await assert.rejects(push({ ca: authority(t).ca }), untrusted)
  await assert.rejects(push({ ca: 'no PEM' }), { code: 'ERR_INVALID_ARG', field: 'options.ca' })
  await assert.rejects(made.endpoint.createRtmpOutput('rtmp://127.0.0.1/live/secret', { audio, ca: known.ca }), { field: 'options.ca' })
  const other = await server(t, { tls: known.issue('DNS:elsewhere.example') })
  const elsewhere = `rtmps://127.0.0.1:${other.port}/live/secret`
  await assert.rejects(made.endpoint.createRtmpOutput(elsewhere, { audio, ca: known.ca }), untrusted)

  const arrived = nextEvent(made, 'input')
  const output = await push({ ca: Buffer.from(known.ca) })
  const [input] = await arrived
  await until(async () => (await input.getStats()).audio?.packets > 20, 'sound')
  const closed = nextEvent(input, 'closed')
  await output.close()
  assert.equal((await closed)[0], 'remote')
})

test('a connection that is lost is made again where that was asked for, and given up after its time', { timeout: 60_000 }, async t => {
  const first = await server(t)
  const { endpoint, port } = first
  const audio = await tone(endpoint)
  const url = `rtmp://127.0.0.1:${port}/live/secret`
  const refused = reconnect => assert.rejects(endpoint.createRtmpOutput(url, { audio, reconnect }), { field: 'options.reconnect' })
  await Promise.all([refused(-1), refused(true), refused(86_401)])
  // A server that cannot be reached from the start is an error at once.
  await assert.rejects(endpoint.createRtmpOutput('rtmp://127.0.0.1:1/live/secret', { audio, reconnect: 60 }), { code: 'ERR_IO' })
  const output = await endpoint.createRtmpOutput(url, { audio, reconnect: 600 })
  const brief = await endpoint.createRtmpOutput(url, { audio, reconnect: 1 })
  const ended = new Promise(resolve => brief.on('error', error => brief.on('closed', reason => resolve([error.code, reason]))))
  const lost = Promise.all([output, brief].map(each => nextEvent(each, 'disconnected')))
  assert.ok(output.connected)
  await first.close()
  for (const [error] of await lost) assert.equal(error.code, 'ERR_IO')
  assert.deepEqual([output.connected, output.closed], [false, false])
  // The one that has a second left gets no server within it.
  assert.deepEqual(await within(30_000, ended, 'its end'), ['ERR_IO', 'error'])

  const back = nextEvent(output, 'reconnected', 30_000)
  const second = await endpoint.createRtmpServer({ port, ip: '127.0.0.1', authorize: () => true })
  const arrived = nextEvent(second, 'input', 30_000)
  await back
  assert.ok(output.connected)
  const [input] = await arrived
  await until(async () => (await input.getStats()).audio?.packets > 5, 'sound over the new connection')
  await output.close()
})

test('an output that waits for its server is closed at once', async t => {
  const made = await server(t)
  const output = await made.endpoint.createRtmpOutput(`rtmp://127.0.0.1:${made.port}/live/secret`, {
    audio: await tone(made.endpoint),
    reconnect: 600
  })
  const lost = nextEvent(output, 'disconnected')
  await made.close()
  await lost
  await within(5000, output.close(), 'the end')
  assert.ok(output.closed)
})

test('an input that falls silent is stalled with its tracks muted, and resumes with the next frame', async t => {
  const made = await server(t, { silence: 300 })
  const { client, input } = await published(t, made)
  client.video(0, AVC_CONFIG)
  client.video(0, AVC_KEYFRAME)
  const [track] = await nextEvent(input, 'track')
  const told = []
  for (const event of ['mute', 'unmute']) track.on(event, () => told.push([event, track.muted]))
  assert.deepEqual([input.stalled, track.muted], [false, false])
  await nextEvent(input, 'stalled')
  assert.deepEqual([input.stalled, track.muted], [true, true])
  const resumed = nextEvent(input, 'resumed')
  client.video(400, AVC_FRAME)
  await resumed
  await until(() => told.length === 2, 'both')
  assert.deepEqual(told, [
    ['mute', true],
    ['unmute', false]
  ])
  assert.ok(!input.closed && !track.closed)
})

test('an output whose tracks close while the server is asked says so', { timeout: 30_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  const { video, audio } = mixer
  const made = await endpoint.createRtmpServer({
    port: 0,
    ip: '127.0.0.1',
    authorize: async () => {
      await mixer.close()
      return true
    }
  })
  const output = await endpoint.createRtmpOutput(`rtmp://127.0.0.1:${made.port}/live/secret`, { video, audio })
  assert.ok(mixer.closed)
  assert.deepEqual([output.videoSource, output.audioSource, output.connected], [null, null, true])
  await output.close()
})
