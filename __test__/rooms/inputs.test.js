'use strict'

/** What encoders push, as participants of rooms. */

const assert = require('node:assert/strict')
const { EventEmitter, once } = require('node:events')
const { afterEach, test } = require('node:test')
const { RoomError, Rooms } = require('medialoom/rooms')
const { nextEvent, until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { RtmpClient } = require('../support/rtmp.js')
const { playerOffer } = require('./sdp.js')

/** @type {Rooms} */
let rooms
afterEach(() => rooms?.close())

const hex = text => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** Parameter sets and a keyframe of 320x240; sound of AAC. */
const AVC_CONFIG = hex('17 00 000000 01 42c00d ff e1 0009 6742c00dda0507e840 01 0004 68ce3c80')
const AVC_KEYFRAME = hex('17 01 000000 00000004 65888409')
const AAC_CONFIG = hex('af 00 1190')

/** An endpoint with rooms and a server of RTMP. */
async function studio(t, options = {}) {
  const endpoint = await loopbackEndpoint(t)
  rooms = new Rooms({ endpoint, ...options })
  const server = await endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: () => true, silence: 300 })
  return { endpoint, server }
}

/** An encoder that pushes, and what comes of it. */
async function push(t, server) {
  const [[input], client] = await Promise.all([nextEvent(server, 'input'), RtmpClient.publish(t, server.port)])
  return { input, client }
}

/** The encoder sends its first picture, and then its first sound. */
async function begin({ input, client }) {
  client.video(0, AVC_CONFIG)
  client.video(0, AVC_KEYFRAME)
  client.audio(0, AAC_CONFIG)
  await until(() => input.tracks.length === 2, 'two tracks')
}

async function viewer(endpoint, room) {
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
  await transport.acceptOffer(playerOffer(1))
  const participant = rooms.join(room, { name: 'viewer', role: 'viewer', receive: 'places', transport })
  participant.addPlace(stream)
  return { participant, stream }
}

/** What a stream carries: audio, then video. */
const carried = stream => [stream.audio[0], stream.video[0]].map(track => track.transponder?.incomingTrack ?? null)

function refuses(code, action) {
  assert.throws(action, error => error instanceof RoomError && error.code === code)
}

test('an input is a participant whose tracks reach the others as they come, before and after they joined', async t => {
  const { endpoint, server } = await studio(t)
  const pushed = await push(t, server)
  const told = []
  rooms.on('room', room => room.on('published', publication => told.push(publication)))
  const stage = rooms.addInput('loom', pushed.input, { name: 'Stage', identity: 'obs', attributes: { kind: 'encoder' } })
  assert.deepEqual([stage.name, stage.identity, stage.role, stage.input], ['Stage', 'obs', 'publisher', pushed.input])
  assert.deepEqual([stage.attributes.kind, stage.transport, stage.publications.length], ['encoder', null, 0])

  const early = await viewer(endpoint, 'loom')
  await begin(pushed)
  const [audio, video] = ['audio', 'video'].map(kind => pushed.input.tracks.find(track => track.kind === kind))
  const [publication] = stage.publications
  assert.deepEqual(told, [publication], 'one publication of both')
  assert.deepEqual([publication.stream, publication.screen, new Set(publication.tracks)], [null, false, new Set([audio, video])])
  assert.deepEqual(carried(early.stream), [audio, video])
  const late = await viewer(endpoint, 'loom')
  assert.deepEqual(carried(late.stream), [audio, video])
})

test('it leaves when the encoder ends, and the encoder is told when it is taken out', async t => {
  const { server } = await studio(t)
  const first = await push(t, server)
  const left = once(rooms.addInput('loom', first.input, { name: 'Stage' }), 'left')
  first.client.deleteStream()
  assert.equal((await left)[0], 'remote')
  assert.equal(rooms.size, 0)

  const second = await push(t, server)
  const stage = rooms.addInput('loom', second.input, { name: 'Stage' })
  await begin(second)
  stage.kick('enough')
  assert.ok(second.input.closed)
  assert.deepEqual([stage.closed, stage.publications.length], [true, 0])
  await until(() => second.client.said('NetStream.Publish.Denied'), 'a status')
  await until(() => second.client.ended, 'the end of the connection')
})

test('of an identity there is one: an encoder that comes back takes its place', async t => {
  const { server } = await studio(t)
  const [first, second] = [await push(t, server), await push(t, server)]
  const before = rooms.addInput('loom', first.input, { name: 'Stage', identity: 'obs' })
  const left = once(before, 'left')
  rooms.get('loom').addInput(second.input, { name: 'Stage', identity: 'obs' })
  assert.equal((await left)[0], 'replaced')
  assert.ok(first.input.closed && !second.input.closed)
  assert.equal(rooms.get('loom').participants.length, 1)
})

test('what a moderator mutes is gone for everybody, now and later, and comes back as it was', async t => {
  const { endpoint, server } = await studio(t)
  const pushed = await push(t, server)
  const stage = rooms.addInput('loom', pushed.input, { name: 'Stage', identity: 'obs' })
  await begin(pushed)
  const [audio, video] = ['audio', 'video'].map(kind => pushed.input.tracks.find(track => track.kind === kind))
  const { stream } = await viewer(endpoint, 'loom')
  const [publication] = stage.publications

  stage.mute('video')
  assert.deepEqual(carried(stream), [audio, null])
  publication.mute('audio')
  assert.deepEqual(carried(stream), [null, null])
  assert.deepEqual(stage.publications, [publication], 'it is still there to be unmuted')
  const late = await viewer(endpoint, 'loom')
  assert.deepEqual(carried(late.stream), [null, null])
  publication.unmute('audio')
  stage.unmute('video')
  assert.deepEqual(
    [carried(stream), carried(late.stream)],
    [
      [audio, video],
      [audio, video]
    ]
  )

  stage.mute('video')
  const again = await push(t, server)
  const back = rooms.addInput('loom', again.input, { name: 'Stage', identity: 'obs' })
  await begin(again)
  assert.deepEqual(
    back.tracks.map(({ kind }) => kind),
    ['audio'],
    'whoever comes back muted is muted still'
  )
})

test('permissions and limits hold for inputs', async t => {
  const { server } = await studio(t, { maxParticipants: 2, maxTracks: 1 })
  const pushed = await push(t, server)
  const stage = rooms.addInput('loom', pushed.input, { name: 'Stage', permissions: { canPublishSources: ['microphone'] } })
  await begin(pushed)
  assert.deepEqual(
    stage.tracks.map(({ kind }) => kind),
    ['audio']
  )
  stage.setPermissions({ canPublish: false })
  assert.deepEqual(stage.publications, [])
  stage.setPermissions({ canPublish: true, canPublishSources: null })
  assert.equal(stage.tracks.length, 1, 'as many tracks as one may have')

  rooms.join('loom', { name: 'Ada' })
  const { input } = await push(t, server)
  refuses('ERR_PARTICIPANT_LIMIT', () => rooms.addInput('loom', input, { name: 'Too many' }))
  refuses('ERR_INVALID_ARG', () => rooms.addInput('weft', input, { name: '' }))
  refuses('ERR_INVALID_ARG', () => rooms.addInput('weft', input))
  refuses('ERR_INVALID_ARG', () => rooms.addInput('weft', input, { name: 'Stage', screen: 'yes' }))
  refuses('ERR_INVALID_ARG', () => rooms.addInput('weft', {}, { name: 'Stage' }))
  refuses('ERR_INVALID_ARG', () => rooms.addInput('weft', pushed.input, { name: 'Twice' }))
  assert.ok(!input.closed, 'whoever was refused may try elsewhere')
  rooms.get('loom').lock()
  stage.leave()
  refuses('ERR_LOCKED', () => rooms.addInput('loom', input, { name: 'Stage' }))
  input.close()
  refuses('ERR_CLOSED', () => rooms.addInput('weft', input, { name: 'Stage' }))
  refuses('ERR_ROOM_MODE', () => rooms.addInput('mesh', new Fake(), { name: 'Stage', mode: 'p2p' }))
})

test('a shared screen is a publication of its kind', async t => {
  const { server } = await studio(t)
  const pushed = await push(t, server)
  const stage = rooms.addInput('loom', pushed.input, { name: 'Slides', screen: true })
  await begin(pushed)
  assert.deepEqual([stage.publications[0].screen, stage.tracks.length], [true, 2])
  stage.mute('screen')
  assert.equal(stage.tracks.length, 0)
  stage.unmute('screen')
  stage.setPermissions({ canPublishSources: ['camera', 'microphone'] })
  assert.equal(stage.tracks.length, 0)
})

test('pictures with B-frames are encoded anew for the room, by a mixer that ends with the input', async t => {
  const { endpoint } = await studio(t)
  const server = await endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: () => true, bFrames: 'mix' })
  const pushed = await push(t, server)
  const stage = rooms.addInput('loom', pushed.input, { name: 'Stage' })
  pushed.client.video(0, AVC_CONFIG)
  pushed.client.video(0, hex('17 01 000042 00000004 65888409'))
  pushed.client.video(33, hex('27 01 000085 00000003 419a07'))
  await until(() => stage.tracks.length === 1, 'a picture')
  const [mixer] = endpoint.mixers
  assert.deepEqual([stage.tracks[0] === mixer.video, pushed.input.tracks[0].reordered], [true, true])
  const { stream } = await viewer(endpoint, 'loom')
  assert.ok(carried(stream)[1] === mixer.video)
  stage.mute('video')
  assert.equal(carried(stream)[1], null)
  stage.unmute('video')
  assert.ok(carried(stream)[1] === mixer.video)
  stage.kick()
  assert.ok(mixer.closed)
})

test("an input with peers' tracks has the engine withhold what is muted, and is told its bitrate", async t => {
  await studio(t)
  const input = new Fake()
  const stage = rooms.addInput('loom', input, { name: 'Camera', maxIncomingBitrate: 500_000 })
  assert.equal(input.bitrate, 500_000)
  assert.deepEqual(stage.tracks, input.incomingTracks)
  assert.equal(stage.publications[0].stream, input.incomingStreams[0])
  stage.mute('video')
  assert.deepEqual([stage.tracks, input.incomingTracks[0].withheld], [input.incomingTracks, true])
  stage.leave()
  assert.ok(input.closed)
})

/** Has the shape of a transport of plain RTP. */
class Fake extends EventEmitter {
  closed = false
  incomingStreams = [{ id: 'camera' }]
  incomingTracks = [new FakeTrack(this.incomingStreams[0])]

  setMaxIncomingBitrate(bitrate) {
    this.bitrate = bitrate
  }

  close() {
    this.closed = true
    this.emit('closed', 'closed')
  }
}

class FakeTrack extends EventEmitter {
  kind = 'video'
  closed = false
  muted = false
  withheld = false

  constructor(stream) {
    super()
    this.stream = stream
  }

  withhold(withheld) {
    this.withheld = withheld
  }
}

test('an input that falls silent is there still, with its tracks muted, and everybody is told', async t => {
  const { server } = await studio(t)
  const pushed = await push(t, server)
  const stage = rooms.addInput('loom', pushed.input, { name: 'Stage' })
  await begin(pushed)
  const [publication] = stage.publications
  const muted = () => publication.tracks.map(track => track.muted)
  await nextEvent(publication, 'change')
  await until(() => muted().every(Boolean), 'muted tracks')
  assert.ok(!stage.closed)
  const changed = nextEvent(publication, 'change')
  pushed.client.video(40, AVC_KEYFRAME)
  await changed
  await until(() => !muted().some(Boolean), 'tracks that are not muted any more')
})
