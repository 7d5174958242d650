'use strict'

/** Detectors and slots as objects: members, limits, what closes with what. Sound is in the tests with clients. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Endpoint, ActiveSpeakerDetector, SpeakerSlot } = require('../..')
const { loopbackEndpoint, negotiate } = require('../support/loopback.js')

/** Peers of one endpoint that each offered sound and a picture. None has to connect for that. */
async function room(t, count, options) {
  const [endpoint, elsewhere] = await Promise.all([loopbackEndpoint(t, options), loopbackEndpoint(t)])
  const join = async () => {
    const client = elsewhere.createTransport({ iceLite: false })
    client.createOutgoingStream({ audio: 1, video: 1 })
    const transport = endpoint.createTransport()
    await negotiate(client, transport)
    const [audio, video] = ['audio', 'video'].map(kind => transport.incomingTracks.find(track => track.kind === kind))
    return { client, transport, audio, video }
  }
  const peers = []
  for (let number = 0; number < count; number++) peers.push(await join())
  return { endpoint, elsewhere, peers }
}

test('members take free slots in the order in which they came, and leave them to the next', async t => {
  const { endpoint, peers } = await room(t, 3, { threads: 2 })
  const slots = endpoint.createSpeakerSlots(2, { video: 1, appData: 'talk' })
  assert.equal(slots.appData, 'talk')
  assert.deepEqual([slots.audio.length, slots.video.length], [2, 1])
  assert.ok(slots.audio.every(slot => slot instanceof SpeakerSlot && slot.kind === 'audio' && slot.track === null))
  assert.deepEqual(slots.speakers, [])

  const [first, second, third] = peers
  const full = new Promise(resolve => slots.on('speakers', tracks => tracks.length === 2 && resolve(tracks)))
  for (const { audio, video } of peers) slots.detector.add(audio, { video })
  assert.deepEqual(
    slots.detector.tracks,
    peers.map(peer => peer.audio)
  )
  assert.deepEqual(await full, [first.audio, second.audio])
  assert.equal(slots.video[0].track ?? (await once(slots.video[0], 'change'))[0], first.video)

  const changes = Promise.all([once(slots.audio[0], 'change'), once(slots.video[0], 'change')])
  slots.detector.remove(first.audio)
  slots.audio[0].once('change', track => assert.ok(track === null || track === third.audio))
  await changes
  while (slots.audio[0].track !== third.audio) await once(slots.audio[0], 'change')
  while (slots.video[0].track !== second.video) await once(slots.video[0], 'change')

  await second.transport.close()
  assert.deepEqual(slots.detector.tracks, [third.audio])
  while (slots.audio[1].track !== null) await once(slots.audio[1], 'change')
  while (slots.video[0].track !== third.video) await once(slots.video[0], 'change')
})

test('an outgoing track attaches to a slot as to a track and changes between both', async t => {
  const { endpoint, peers } = await room(t, 2)
  const slots = endpoint.createSpeakerSlots(1)
  const [sending] = endpoint.createTransport().createOutgoingStream({ audio: 1 }).audio
  const transponder = sending.attachTo(slots.audio[0])
  assert.equal(transponder.slot, slots.audio[0])
  assert.equal(transponder.incomingTrack, null)
  assert.deepEqual(slots.audio[0].transponders, [transponder])
  slots.detector.add(peers[0].audio)
  await once(slots.audio[0], 'change')
  assert.equal(transponder.incomingTrack, peers[0].audio)
  transponder.selectEncoding('whatever')

  assert.equal(sending.attachTo(peers[1].audio), transponder)
  assert.deepEqual([transponder.slot, transponder.incomingTrack], [null, peers[1].audio])
  assert.deepEqual(slots.audio[0].transponders, [])
  assert.equal(transponder.attachTo(slots.audio[0]), transponder)
  assert.equal(transponder.slot, slots.audio[0])

  const order = []
  for (const [name, object] of Object.entries({ transponder, slot: slots.audio[0], slots, detector: slots.detector })) {
    object.on('closed', reason => order.push([name, reason]))
  }
  slots.close()
  assert.ok([slots, slots.audio[0], slots.detector, transponder].every(object => object.closed))
  assert.equal(sending.transponder, null)
  await once(slots.detector, 'closed')
  assert.deepEqual(order, [
    ['transponder', 'parent'],
    ['slot', 'parent'],
    ['slots', 'closed'],
    ['detector', 'closed']
  ])
  assert.deepEqual(endpoint.activeSpeakerDetectors, [])
  slots.close()
})

test('slots of a detector close with it, and it goes on when they close', async t => {
  const endpoint = await loopbackEndpoint(t)
  const detector = endpoint.createActiveSpeakerDetector({ threshold: -50, appData: 1 })
  assert.ok(detector instanceof ActiveSpeakerDetector)
  assert.deepEqual([detector.endpoint, detector.speaker, detector.appData], [endpoint, null, 1])
  const few = detector.createSlots(2)
  const many = endpoint.createSpeakerSlots(0, { video: 9, detector })
  assert.deepEqual(detector.slots, [few, many])
  few.close()
  assert.deepEqual(detector.slots, [many])
  assert.equal(detector.closed, false)
  detector.close()
  assert.ok(many.closed)
  assert.equal((await once(many, 'closed'))[0], 'parent')
})

test('an endpoint that closes takes detectors and slots with it', async t => {
  const { endpoint, peers } = await room(t, 1)
  const slots = endpoint.createSpeakerSlots(1)
  slots.detector.add(peers[0].audio, { video: peers[0].video })
  const reasons = Promise.all([slots, slots.detector, slots.audio[0]].map(object => once(object, 'closed')))
  await endpoint.close()
  assert.deepEqual((await reasons).flat(), ['parent', 'parent', 'parent'])
  assert.deepEqual(slots.detector.tracks, [])
})

test('a picture goes with one member at a time', async t => {
  const { endpoint, peers } = await room(t, 2)
  const slots = endpoint.createSpeakerSlots(0, { video: 2 })
  const [{ audio, video }, other] = peers
  slots.detector.add(audio, { video })
  slots.detector.add(other.audio, { video })
  while (slots.video.filter(slot => slot.track === video).length !== 1) await once(slots.video[0], 'change')
  slots.detector.add(other.audio, { video: other.video })
  while (!slots.video.some(slot => slot.track === other.video)) await Promise.race(slots.video.map(slot => once(slot, 'change')))
  assert.ok(!slots.video.some(slot => slot.track === video))
})

test('wrong calls carry their code and the field', async t => {
  const { endpoint, elsewhere, peers } = await room(t, 1)
  const [{ audio, video, transport }] = peers
  const detector = endpoint.createActiveSpeakerDetector()
  const slots = detector.createSlots(1, { video: 1 })
  const [sending] = transport.createOutgoingStream({ audio: 1 }).audio
  const stranger = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  t.after(() => stranger.close())
  const strange = stranger.createActiveSpeakerDetector()
  const closed = endpoint.createActiveSpeakerDetector()
  const closedSlots = closed.createSlots(1)
  closed.close()
  const ARG = 'ERR_INVALID_ARG'
  const calls = [
    [() => endpoint.createActiveSpeakerDetector(5), ARG, 'options'],
    [() => endpoint.createActiveSpeakerDetector({ level: 1 }), ARG, 'options.level'],
    [() => endpoint.createActiveSpeakerDetector({ threshold: 1 }), ARG, 'options.threshold'],
    [() => endpoint.createSpeakerSlots(), ARG, 'count'],
    [() => endpoint.createSpeakerSlots(0), ARG, 'count'],
    [() => endpoint.createSpeakerSlots(65), ARG, 'count'],
    [() => endpoint.createSpeakerSlots(1, { video: 1.5 }), ARG, 'options.video'],
    [() => endpoint.createSpeakerSlots(1, { detector: {} }), ARG, 'options.detector'],
    [() => endpoint.createSpeakerSlots(1, { detector: strange }), ARG, 'options.detector'],
    [() => endpoint.createSpeakerSlots(1, { detector: closed }), 'ERR_CLOSED'],
    [() => detector.createSlots(1, { detector }), ARG, 'options.detector'],
    [() => detector.createSlots('1'), ARG, 'count'],
    [() => closed.createSlots(1), 'ERR_CLOSED'],
    [() => detector.add(), ARG, 'track'],
    [() => detector.add(video), ARG, 'track'],
    [() => detector.add(audio, { video: audio }), ARG, 'options.video'],
    [() => detector.add(audio, { video: true }), ARG, 'options.video'],
    [() => detector.add(audio, video), ARG],
    [() => strange.add(audio), ARG, 'track'],
    [() => closed.add(audio), 'ERR_CLOSED'],
    [() => detector.remove(sending), ARG, 'track'],
    [() => closed.remove(audio), 'ERR_CLOSED'],
    [() => sending.attachTo(slots), ARG, 'track'],
    [() => sending.attachTo(slots.video[0]), ARG, 'track'],
    [() => sending.attachTo(strange.createSlots(1).audio[0]), ARG, 'track'],
    [() => sending.attachTo(closedSlots.audio[0]), 'ERR_CLOSED'],
    [() => new ActiveSpeakerDetector(), 'ERR_INVALID_STATE'],
    [() => new SpeakerSlot(), 'ERR_INVALID_STATE']
  ]
  for (const [call, code, field] of calls) {
    assert.throws(
      call,
      error => {
        assert.equal(error.code, code, error.stack)
        if (field) assert.equal(error.field, field, String(call))
        return true
      },
      String(call)
    )
  }
  assert.equal(sending.transponder, null)
  assert.deepEqual(detector.tracks, [])
  for (let count = 1; count < 16; count++) detector.createSlots(1)
  assert.throws(() => detector.createSlots(1), { code: 'ERR_LIMIT' })
  assert.throws(
    () => {
      for (let count = 0; count < 10_001; count++) endpoint.createActiveSpeakerDetector()
    },
    { code: 'ERR_LIMIT' }
  )
  await elsewhere.close()
})
