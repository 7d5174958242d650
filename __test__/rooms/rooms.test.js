'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { after, afterEach, before, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { RoomError, Rooms } = require('medialoom/rooms')
const { offer, playerOffer, publisherOffer } = require('./sdp.js')

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
})
after(() => endpoint.close())
afterEach(() => rooms.close())

/** A participant who sends microphone and camera, as far as SDP goes. */
async function publisher(room, name) {
  const transport = endpoint.createTransport()
  await transport.acceptOffer(publisherOffer(name))
  return rooms.join(room, { name, transport })
}

/** A WHEP viewer with so many places. */
async function viewer(room, places, options = {}) {
  const transport = endpoint.createTransport()
  const streams = Array.from({ length: places }, () => transport.createOutgoingStream({ audio: 1, video: 1 }))
  await transport.acceptOffer(playerOffer(places))
  const participant = rooms.join(room, { name: 'viewer', role: 'viewer', receive: 'places', transport, ...options })
  for (const stream of streams) participant.addPlace(stream)
  return { participant, streams }
}

/** Whose audio and video each place carries. */
function namesIn(streams) {
  return streams.map(stream =>
    stream.tracks.map(track => {
      const source = track.transponder?.incomingTrack
      return source ? [...rooms].flatMap(room => room.participants).find(each => each.tracks.includes(source))?.name : null
    })
  )
}

function refuses(code, action) {
  assert.throws(action, error => error instanceof RoomError && error.code === code)
}

test('a room exists from the first to join to the last to leave', () => {
  rooms = new Rooms({ endpoint })
  const opened = []
  rooms.on('room', room => opened.push([room.name, room.participants.length]))
  const ada = rooms.join('loom', { name: 'Ada' })
  const grace = rooms.join('loom', { name: 'Grace' })
  assert.deepEqual(opened, [['loom', 1]])
  assert.deepEqual(rooms.get('loom').participants, [ada, grace])
  ada.leave()
  assert.equal(rooms.size, 1)
  grace.leave()
  grace.leave()
  assert.equal(rooms.size, 0)
  assert.equal(rooms.get('loom'), undefined)
})

test('names and limits are checked, and a refused first participant leaves no room behind', () => {
  rooms = new Rooms({ endpoint, maxRooms: 2, maxParticipants: 2, maxNameLength: 8 })
  for (const name of ['', ' loom', '../loom', 'a/b', 'x'.repeat(9), 'a\u0000', undefined, 7]) {
    refuses('ERR_INVALID_ARG', () => rooms.join(name, { name: 'Ada' }))
  }
  for (const name of ['', '   ', 'x'.repeat(9), 'a\nb', 'a\u202eb', undefined]) {
    refuses('ERR_INVALID_ARG', () => rooms.join('loom', { name }))
  }
  // Persian has a joiner within words, and emoji of several parts have one between them; a name is not made of it alone.
  for (const name of ['\u200c', 'می\u200cم', '👩\u200d💻 Z']) {
    if (name.length === 1) refuses('ERR_INVALID_ARG', () => rooms.join('loom', { name }))
    else rooms.join('loom', { name }).leave()
  }
  refuses('ERR_INVALID_ARG', () => rooms.join('loom', { name: 'Ada', mode: 'mesh' }))
  assert.equal(rooms.size, 0)

  rooms.join('loom', { name: 'Ada' })
  rooms.join('loom', { name: 'Grace' })
  refuses('ERR_PARTICIPANT_LIMIT', () => rooms.join('loom', { name: 'Linus' }))
  rooms.join('weft', { name: 'Linus' })
  refuses('ERR_ROOM_LIMIT', () => rooms.join('warp', { name: 'Alan' }))
  assert.equal(rooms.size, 2)
  refuses('ERR_INVALID_ARG', () => new Rooms({ endpoint, maxRooms: 0 }))
  refuses('ERR_INVALID_ARG', () => new Rooms({}))
})

test("everyone's tracks go to everyone else, whoever came first", async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('loom', 'Ada')
  const forwarded = []
  ada.on('forwarding', (publication, transponder) => forwarded.push([publication.participant.name, transponder.incomingTrack.kind]))
  const grace = await publisher('loom', 'Grace')
  assert.deepEqual(forwarded, [
    ['Grace', 'audio'],
    ['Grace', 'video']
  ])
  assert.deepEqual(
    grace.transport.outgoingTracks.map(track => [track.stream.id, track.transponder.incomingTrack]),
    ada.tracks.map(track => [ada.publications[0].id, track])
  )

  const [adaStream] = grace.transport.outgoingStreams
  ada.leave()
  assert.ok(adaStream.closed, 'a stream closes with its publisher')
  assert.equal(grace.transport.outgoingStreams.length, 0)
})

test('a receiver that fails does not keep the others from getting a stream', async () => {
  rooms = new Rooms({ endpoint })
  const failing = rooms.join('loom', { name: 'Failing', transport: endpoint.createTransport() })
  failing.transport.createOutgoingStream = () => {
    throw new Error('no more streams')
  }
  const failures = []
  failing.on('forwardingfailed', (publication, _track, error) => failures.push([publication.participant.name, error.message]))
  const fine = rooms.join('loom', { name: 'Fine', transport: endpoint.createTransport() })
  await publisher('loom', 'Ada')
  assert.deepEqual(failures, [['Ada', 'no more streams']])
  assert.equal(fine.transport.outgoingTracks.length, 2)
})

test('a participant speaks by the sound of a publication, unless told that it is no speech', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('loom', 'Ada')
  const heard = []
  rooms.get('loom').on('speaking', (participant, speaking) => heard.push([participant.name, speaking]))
  const [publication] = ada.publications
  const microphone = publication.tracks.find(track => track.kind === 'audio')
  const [detector] = endpoint.activeSpeakerDetectors
  assert.deepEqual(detector.tracks, [microphone])
  detector.emit('speaking', microphone, true)
  assert.equal(ada.speaking, true)
  publication.speech = false
  assert.equal(ada.speaking, false, 'at once')
  detector.emit('speaking', microphone, false)
  detector.emit('speaking', microphone, true)
  publication.speech = true
  const closed = once(detector, 'closed')
  detector.close()
  await closed
  const [next] = endpoint.activeSpeakerDetectors
  assert.deepEqual(next.tracks, [microphone], 'one that is gone has a successor')
  next.emit('speaking', microphone, true)
  ada.leave()
  const spoken = [
    ['Ada', true],
    ['Ada', false]
  ]
  assert.deepEqual(heard, [...spoken, ...spoken, ...spoken])
  assert.ok(next.closed, 'with the room')
})

test('more tracks than the limit are not forwarded', async () => {
  rooms = new Rooms({ endpoint, maxTracks: 3 })
  const receiver = rooms.join('loom', { name: 'Ada', transport: endpoint.createTransport() })
  const transport = endpoint.createTransport()
  await transport.acceptOffer(
    offer(Array.from({ length: 5 }, (_, index) => ({ kind: 'video', direction: 'sendonly', stream: `s${index}` })))
  )
  const greedy = rooms.join('loom', { name: 'Greedy', transport })
  assert.equal(greedy.tracks.length, 3)
  assert.equal(receiver.transport.outgoingTracks.length, 3)
})

test('places fill with participants in joining order; latecomers take what is free, and leaving frees', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('loom', 'Ada')
  const watching = await viewer('loom', 2)
  assert.deepEqual(namesIn(watching.streams), [
    ['Ada', 'Ada'],
    [null, null]
  ])
  const grace = await publisher('loom', 'Grace')
  await publisher('loom', 'Linus')
  assert.deepEqual(namesIn(watching.streams), [
    ['Ada', 'Ada'],
    ['Grace', 'Grace']
  ])
  ada.leave()
  assert.deepEqual(
    namesIn(watching.streams),
    [
      ['Linus', 'Linus'],
      ['Grace', 'Grace']
    ],
    'who stays keeps the place'
  )
  grace.leave()
  assert.deepEqual(namesIn(watching.streams), [
    ['Linus', 'Linus'],
    [null, null]
  ])
})

test('places leave out the name they are told to', async () => {
  rooms = new Rooms({ endpoint })
  await publisher('loom', 'Ada')
  const watching = await viewer('loom', 2, { name: 'Ada', exceptName: 'Ada' })
  await publisher('loom', 'Grace')
  assert.deepEqual(namesIn(watching.streams), [
    ['Grace', 'Grace'],
    [null, null]
  ])
})

test('mode p2p closes transports and takes none; WHIP and WHEP hold the room in mode sfu', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('loom', 'Ada')
  const { room, transport } = ada
  const modes = []
  room.on('mode', mode => modes.push(mode))

  const watching = await viewer('loom', 1)
  refuses('ERR_ROOM_MODE', () => room.setMode('p2p'))
  watching.participant.leave()

  assert.equal(room.setMode('p2p'), true)
  assert.equal(room.setMode('p2p'), false)
  assert.ok(transport.closed)
  assert.equal(ada.transport, null)
  assert.deepEqual(ada.publications, [])
  assert.ok(!ada.closed, 'the participant stays')
  refuses('ERR_ROOM_MODE', () => rooms.join('loom', { name: 'Viewer', role: 'viewer', receive: 'places' }))
  refuses('ERR_ROOM_MODE', () => rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport() }))

  room.setMode('sfu')
  ada.setTransport(endpoint.createTransport())
  assert.deepEqual(modes, ['p2p', 'sfu'])
})

test('a participant leaves with its transport, or stays if told to', async () => {
  rooms = new Rooms({ endpoint })
  const gone = await publisher('loom', 'Ada')
  const left = new Promise(resolve => gone.once('left', resolve))
  await gone.transport.close()
  assert.equal(await left, 'closed')

  const staying = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport(), leaveOnTransportClosed: false })
  const closed = new Promise(resolve => staying.once('transportclosed', resolve))
  await staying.transport.close()
  assert.equal(await closed, 'closed')
  assert.ok(!staying.closed)
})

test('closing the rooms takes everyone out and closes their transports', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('loom', 'Ada')
  const { transport } = ada
  const reasons = []
  ada.on('left', reason => reasons.push(reason))
  rooms.close()
  assert.deepEqual(reasons, ['room-closed'])
  assert.ok(transport.closed)
  assert.equal(rooms.size, 0)
  refuses('ERR_CLOSED', () => rooms.join('loom', { name: 'Ada' }))
})
