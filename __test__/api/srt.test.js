'use strict'

/** What encoders push by SRT, with an encoder made by hand: who is let in, what its tracks are, how all of it ends. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { MediaInput, SrtOutput, SrtServer } = require('../..')
const { nextEvent, until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { SrtClient } = require('../support/srt.js')

const STREAMS = path.join(__dirname, '../../src/ingest/ts/testing')
/** A third of a second of 64x48. */
const H264_AAC = fs.readFileSync(path.join(STREAMS, 'h264-aac.ts'))
const H265_OPUS = fs.readFileSync(path.join(STREAMS, 'h265-opus.ts'))

async function server(t, options = {}) {
  const endpoint = await loopbackEndpoint(t)
  return endpoint.createSrtServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret', ...options })
}

test('options are checked, and a port that is taken is told by its name', async t => {
  const endpoint = await loopbackEndpoint(t)
  const authorize = () => true
  const refused = (options, field) => assert.rejects(endpoint.createSrtServer(options), { code: 'ERR_INVALID_ARG', field })
  await refused({}, 'options.authorize')
  await refused({ authorize, port: 70_000 }, 'options.port')
  await refused({ authorize, passphrase: 'short' }, 'options.passphrase')
  await refused({ authorize, passphrase: 'x'.repeat(80) }, 'options.passphrase')
  await refused({ authorize, latency: 10 }, 'options.latency')
  await refused({ authorize, tls: {} }, 'options.tls')
  const first = await endpoint.createSrtServer({ authorize, port: 0, ip: '127.0.0.1', passphrase: 'a passphrase' })
  assert.ok(first instanceof SrtServer && first.port > 0 && first.encrypted)
  assert.deepEqual(endpoint.srtServers, [first])
  await assert.rejects(endpoint.createSrtServer({ authorize, port: first.port, ip: '127.0.0.1' }), {
    code: 'ERR_LISTEN',
    field: 'options.port'
  })
  await first.close()
  assert.deepEqual([first.closed, endpoint.srtServers.length], [true, 0])
})

test('stream ids are told as they came and by what they say', async t => {
  const asked = []
  const made = await server(t, { authorize: publisher => asked.push(publisher) > 0 })
  const ids = ['live/secret', '#!::r=live/secret,m=publish,u=Ada', 'secret', '']
  for (const id of ids) {
    const input = nextEvent(made, 'input')
    const client = await SrtClient.call(t, made.port, { id })
    const [{ app, key, streamId, address }] = await input
    assert.deepEqual([streamId, address], [id, '127.0.0.1'])
    assert.deepEqual([app, key], [asked.at(-1).app, asked.at(-1).key])
    await until(() => client.accepted, 'the answer')
  }
  const said = asked.map(({ resource, app, key, user }) => [resource, app, key, user])
  assert.deepEqual(said, [
    ['live/secret', 'live', 'secret', null],
    ['live/secret', 'live', 'secret', 'Ada'],
    ['secret', '', 'secret', null],
    ['', '', '', null]
  ])
})

test('who may not is told by a code: 1403, one of the application, or 1405 who wants to pull', async t => {
  const made = await server(t, {
    authorize: ({ key }) => {
      if (key === 'broken') throw new Error('the database is away')
      return { secret: true, unknown: 1404, taken: 1409 }[key] ?? 'yes'
    }
  })
  made.on('input', () => assert.fail('nothing but true lets in'))
  const failed = nextEvent(made, 'error')
  for (const [id, code] of [
    ['wrong', 1403],
    ['unknown', 1404],
    ['live/taken', 1409],
    ['broken', 1403],
    ['#!::r=secret,m=request', 1405],
    ['#!::r=secret,m=dance', 1400]
  ]) {
    const client = await SrtClient.call(t, made.port, { id })
    await until(() => client.answer !== null, `an answer to ${id}`)
    assert.equal(client.answer, code, id)
  }
  assert.match((await failed)[0].message, /database is away/)
})

test('a transport stream becomes tracks of its codecs and its size, and statistics say what the link does', async t => {
  const made = await server(t)
  for (const [stream, codec] of [
    [H264_AAC, 'h264'],
    [H265_OPUS, 'h265']
  ]) {
    const arrived = nextEvent(made, 'input')
    const client = await SrtClient.call(t, made.port)
    const [input] = await arrived
    assert.ok(input instanceof MediaInput && input.server === made)
    await until(() => client.accepted, 'the answer')
    client.stream(stream)
    await until(() => input.tracks.length === 2, 'both tracks')
    const video = input.tracks.find(({ kind }) => kind === 'video')
    const audio = input.tracks.find(({ kind }) => kind === 'audio')
    assert.deepEqual([video.codecs, video.width, video.height, audio.codecs], [[codec], 64, 48, ['opus']])
    const frames = async () => Object.values(await input.getStats()).map(stats => stats?.frames ?? 0)
    await until(async () => (await frames()).filter(count => count >= 8).length === 2, 'pictures and sound')
    const { link, video: pictures, audio: sounds } = await input.getStats()
    assert.equal(pictures.keyframes, 1)
    assert.equal(sounds.framesDropped, 0)
    assert.deepEqual([link.packetsReceived, link.packetsLost, link.encrypted], [Math.ceil(stream.length / 1316), 0, false])
    const closed = nextEvent(input, 'closed')
    input.close()
    assert.equal((await closed)[0], 'closed')
    await until(() => client.gone, 'the goodbye')
  }
})

test('what is no transport stream is told once', async t => {
  const made = await server(t)
  const arrived = nextEvent(made, 'input')
  const client = await SrtClient.call(t, made.port)
  const [input] = await arrived
  await until(() => client.accepted, 'the answer')
  const warnings = []
  input.on('warning', warning => warnings.push(warning))
  for (let turn = 0; warnings.length === 0 && turn < 200; turn++) {
    client.stream(Buffer.alloc(13_160, 0x47))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, /is it MPEG-TS/.test(message)]),
    [['ERR_FORMAT', true]]
  )
})

test('a server that closes says goodbye to who publishes, and its inputs close with it', async t => {
  const made = await server(t)
  const arrived = nextEvent(made, 'input')
  const client = await SrtClient.call(t, made.port)
  const [input] = await arrived
  await until(() => client.accepted, 'the answer')
  await made.close()
  assert.ok(input.closed && made.closed)
  await until(() => client.gone, 'the goodbye')
})

test('an output needs a track that fits, and somebody who answers', { timeout: 30_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  const refused = (url, options, field) => assert.rejects(endpoint.createSrtOutput(url, options), { code: 'ERR_INVALID_ARG', field })
  await refused('rtmp://127.0.0.1:9000', { video: mixer.video }, 'url')
  await refused('srt://127.0.0.1', { video: mixer.video }, 'url')
  await refused('srt://127.0.0.1:9000', {}, 'options')
  await refused('srt://127.0.0.1:9000', { video: mixer.audio }, 'options.video')
  await refused('srt://127.0.0.1:9000', { video: mixer.video, passphrase: 'short' }, 'options.passphrase')
  await refused('srt://127.0.0.1:9000', { video: mixer.video, mode: 'rendezvous' }, 'options.mode')
  const listening = await endpoint.createSrtOutput('srt://127.0.0.1:0', { video: mixer.video, mode: 'listener', streamId: 'stage' })
  assert.ok(listening instanceof SrtOutput && listening.port > 0)
  assert.deepEqual(endpoint.srtOutputs, [listening])
  const url = `srt://127.0.0.1:${listening.port}`
  // They take each other: the caller has the id that the listener wants.
  await assert.rejects(endpoint.createSrtOutput(url, { video: mixer.video, streamId: 'other' }), { code: 'ERR_IO', message: /\(1404\)/ })
  await assert.rejects(endpoint.createSrtOutput(url, { video: mixer.video, streamId: 'stage', passphrase: 'a passphrase' }), {
    code: 'ERR_IO',
    message: /\(1011\)/
  })
  const calling = await endpoint.createSrtOutput(url, { video: mixer.video, streamId: 'stage' })
  await until(async () => (await listening.getStats()).link.watchers === 1, 'the watcher')
  const closed = nextEvent(calling, 'closed')
  await listening.close()
  assert.equal((await closed)[0], 'remote')
  assert.deepEqual(endpoint.srtOutputs, [])
})

test('what an output sends is taken by a server of the same kind, encrypted by one key after the other', { timeout: 30_000 }, async t => {
  const passphrase = 'a passphrase of ours'
  const made = await server(t, { passphrase })
  const mixer = await made.endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  mixer.addPort({ label: 'Ada' }).setTone({ frequency: 440 })
  const url = `srt://127.0.0.1:${made.port}`
  const sources = { video: mixer.video, audio: mixer.audio }
  await assert.rejects(made.endpoint.createSrtOutput(url, { ...sources, streamId: 'secret', passphrase: 'another passphrase' }), {
    code: 'ERR_IO',
    message: /passphrase/
  })
  const arrived = nextEvent(made, 'input')
  const output = await made.endpoint.createSrtOutput(url, { ...sources, streamId: 'secret', passphrase, keyLength: 32, keyRefresh: 16 })
  const [input] = await arrived
  await until(() => input.tracks.length === 2, 'both tracks', 20_000)
  await until(async () => (await input.getStats()).link.packetsReceived > 80, 'five keys', 20_000)
  const { link, audio, video } = await input.getStats()
  assert.ok(link.encrypted && audio.frames > 0 && video.frames > 0)
  assert.equal(link.packetsUndecrypted, 0)
  await output.close()
  await until(() => input.closed, 'the end')
})

test('what listens is fetched, and closes when it does where that is wanted', { timeout: 30_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  mixer.addPort({ label: 'Ada' })
  const passphrase = 'a passphrase of ours'
  const sources = { video: mixer.video, audio: mixer.audio }
  const output = await endpoint.createSrtOutput('srt://127.0.0.1:0', { ...sources, mode: 'listener', streamId: 'stage', passphrase })
  const url = `srt://127.0.0.1:${output.port}`
  const fetched = { streamId: 'stage', allowPrivate: true, reconnect: false }
  await assert.rejects(endpoint.pullSrt(url, fetched), { code: 'ERR_IO', message: /\(1011\)/ })
  await assert.rejects(endpoint.pullSrt(url, { ...fetched, streamId: 'other', passphrase }), { code: 'ERR_IO', message: /\(1404\)/ })
  const input = await endpoint.pullSrt(url, { ...fetched, passphrase, appData: 7 })
  assert.deepEqual([input.server, input.appData, input.streamId, input.state], [null, 7, 'stage', 'connected'])
  await until(() => input.tracks.length === 2, 'both tracks', 20_000)
  await until(async () => (await input.getStats()).video.frames > 5, 'pictures', 20_000)
  const closed = nextEvent(input, 'closed')
  await output.close()
  assert.equal((await closed)[0], 'remote')
  const again = await endpoint.createSrtOutput('srt://127.0.0.1:0', { ...sources, mode: 'listener' })
  const second = await endpoint.pullSrt(`srt://127.0.0.1:${again.port}`, { allow: ['127.0.0.0/8'] })
  second.close()
  await until(async () => (await again.getStats()).link.watchers === 0, 'its goodbye')
})

test('private and loopback addresses are not called unless they are allowed, whatever name they have', async t => {
  const endpoint = await loopbackEndpoint(t)
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '10.0.0.1', '169.254.169.254']) {
    await assert.rejects(endpoint.pullSrt(`srt://${host}:9`), { code: 'ERR_FORBIDDEN_ADDRESS' })
  }
  const options = { allow: ['192.168.0.0/16'], reconnect: { delay: 5 } }
  await assert.rejects(endpoint.pullSrt('srt://192.0.2.1:9', options), { code: 'ERR_INVALID_ARG', field: 'options.reconnect.delay' })
})

test('what is fetched is called again when it went, and its tracks go on', { timeout: 60_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  const sources = { video: mixer.video, audio: mixer.audio, mode: 'listener' }
  const first = await endpoint.createSrtOutput('srt://127.0.0.1:0', sources)
  const url = `srt://127.0.0.1:${first.port}`
  const input = await endpoint.pullSrt(url, { allowPrivate: true, reconnect: { delay: 20, maxDelay: 100 } })
  await until(() => input.tracks.length === 2, 'both tracks', 20_000)
  const { tracks } = input
  const away = nextEvent(input, 'reconnecting')
  await first.close()
  const [{ delay, error }] = await away
  assert.deepEqual([delay, error.code, input.state, input.closed], [20, 'ERR_IO', 'reconnecting', false])
  const before = await input.getStats()
  const back = nextEvent(input, 'connected')
  await endpoint.createSrtOutput(url, sources)
  await back
  assert.equal(input.state, 'connected')
  await until(async () => (await input.getStats()).video.keyframes > before.video.keyframes, 'a keyframe', 20_000)
  assert.deepEqual(input.tracks, tracks)
  const closed = nextEvent(input, 'closed')
  input.close()
  assert.equal((await closed)[0], 'closed')
})

test('an output that calls is made again when its server went, and ends where it may not be', { timeout: 60_000 }, async t => {
  const first = await server(t)
  const { endpoint, port } = first
  const mixer = await endpoint.createMixer({ audio: false, video: { width: 320, height: 180, codecs: ['h264'] } })
  const url = `srt://127.0.0.1:${port}`
  const sources = { video: mixer.video, streamId: 'secret' }
  await assert.rejects(endpoint.createSrtOutput('srt://127.0.0.1:0', { ...sources, mode: 'listener', reconnect: 5 }), {
    code: 'ERR_INVALID_ARG',
    field: 'options.reconnect'
  })
  const output = await endpoint.createSrtOutput(url, { ...sources, reconnect: 60 })
  assert.equal(output.connected, true)
  const lost = nextEvent(output, 'disconnected')
  await first.close()
  assert.deepEqual([(await lost)[0].code, output.connected, output.closed], ['ERR_IO', false, false])
  const back = nextEvent(output, 'reconnected')
  const second = await endpoint.createSrtServer({ port, ip: '127.0.0.1', authorize: () => true })
  const [[input]] = await Promise.all([nextEvent(second, 'input'), back])
  assert.equal(output.connected, true)
  await until(() => input.tracks.length === 1, 'its picture', 20_000)
  await output.close()
})

test('an output whose track closes while it is made says so', { timeout: 30_000 }, async t => {
  const made = await server(t)
  const mixer = await made.endpoint.createMixer({ audio: true, video: { width: 320, height: 180, codecs: ['h264'] } })
  const { video, audio } = mixer
  const making = made.endpoint.createSrtOutput(`srt://127.0.0.1:${made.port}`, { video, audio, streamId: 'secret' })
  await mixer.close()
  const output = await making.catch(error => error)
  if (output instanceof Error) assert.equal(output.code, 'ERR_CLOSED')
  else assert.deepEqual([output.videoSource, output.audioSource], [null, null])
})
