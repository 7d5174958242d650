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
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1, mixingThreads: 1 })
})
after(() => endpoint.close())
afterEach(() => rooms.close())

/** A participant who sends microphone and camera, as far as SDP goes. */
async function publisher(name, options = {}) {
  const transport = endpoint.createTransport()
  await transport.acceptOffer(publisherOffer(name))
  return rooms.join('loom', { name, transport, ...options })
}

/** A WHEP viewer with so many places. */
async function viewer(places, options = {}) {
  const transport = endpoint.createTransport()
  const streams = Array.from({ length: places }, () => transport.createOutgoingStream({ audio: 1, video: 1 }))
  await transport.acceptOffer(playerOffer(places))
  const participant = rooms.join('loom', { name: 'viewer', role: 'viewer', receive: 'places', transport, ...options })
  for (const stream of streams) participant.addPlace(stream)
  return { participant, streams }
}

/** The mixer of the room, once it is made. */
async function mixerOf(room) {
  return room.mixer ?? (await once(room, 'mixer'))[0]
}

/** What is sent on these tracks: of which participant, or which mix. */
function carried(tracks) {
  return tracks.map(({ kind, transponder }) => {
    const source = transponder?.incomingTrack
    if (!source) return `${kind}: nothing`
    if (!('mixer' in source)) {
      return `${kind}: ${rooms.get('loom').participants.find(each => each.tracks.includes(source)).name}`
    }
    if (kind === 'video') return 'video: canvas'
    return source.port ? `audio: all but ${source.port.label}` : 'audio: all'
  })
}

const received = participant => carried(participant.transport.outgoingTracks)

/** What each port is given. */
const ports = room =>
  Object.fromEntries(
    room.mixer.ports.map(({ label, options, audioSource, videoSource }) => [
      label,
      [audioSource && 'sound', videoSource && 'picture', options.muted && 'muted', options.screen && 'screen'].filter(Boolean).join(' ')
    ])
  )

function refuses(code, action) {
  assert.throws(action, error => error instanceof RoomError && error.code === code)
}

test('a room goes from forwarding to the mix and back, for everyone, over the same transports', async () => {
  rooms = new Rooms({ endpoint })
  const [ada, grace] = [await publisher('Ada'), await publisher('Grace')]
  const { room } = ada
  const { transport } = ada
  assert.equal(room.mixer, null, 'nobody needs a mixer')
  const sources = []
  ada.on('source', source => sources.push(source))

  room.setMode('mcu')
  const mixer = await mixerOf(room)
  assert.deepEqual(received(ada), ['audio: all but Ada', 'video: canvas'])
  assert.deepEqual(received(grace), ['audio: all but Grace', 'video: canvas'])
  assert.deepEqual(ports(room), { Ada: 'sound picture', Grace: 'sound picture' })
  assert.deepEqual([...new Set(ada.transport.outgoingTracks.map(track => track.stream.id))], ['mix'])

  room.setMode('broadcast')
  assert.deepEqual(received(ada), ['audio: Grace', 'video: Grace'], 'those on stage get each other')
  assert.equal(room.mixer, null)
  assert.ok(mixer.closed, 'the last one who got the mix closes the mixer')
  room.setMode('mcu')
  room.setMode('sfu')
  assert.deepEqual(received(grace), ['audio: Ada', 'video: Ada'])
  assert.equal(ada.transport, transport)
  assert.ok(!transport.closed)
  assert.deepEqual(sources, ['mix', 'streams', 'mix', 'streams'])
})

test('one participant takes the mix while the others are forwarded to each other', async () => {
  rooms = new Rooms({ endpoint })
  const [ada, grace] = [await publisher('Ada'), await publisher('Grace')]
  const linus = await publisher('Linus', { source: 'mix' })
  await mixerOf(ada.room)
  assert.deepEqual(received(linus), ['audio: all but Linus', 'video: canvas'])
  assert.deepEqual(received(ada), ['audio: Grace', 'video: Grace', 'audio: Linus', 'video: Linus'])
  assert.equal(linus.chosenSource, 'mix')

  grace.setSource('mix')
  assert.deepEqual(received(grace), ['audio: all but Grace', 'video: canvas'])
  linus.setSource('streams')
  ada.room.setMode('mcu')
  const both = ['audio: Ada', 'video: Ada', 'audio: Grace', 'video: Grace']
  assert.deepEqual(received(linus), both, 'who chose keeps the choice')
  linus.setSource(null)
  assert.deepEqual(received(linus), ['audio: all but Linus', 'video: canvas'])
  refuses('ERR_INVALID_ARG', () => linus.setSource('both'))
})

test('places of a viewer carry the mix on the first m-lines, and tracks again after that', async () => {
  rooms = new Rooms({ endpoint })
  await publisher('Ada')
  const { participant, streams } = await viewer(2)
  const lines = () => carried(streams.flatMap(stream => stream.tracks))
  const forwarded = ['audio: Ada', 'video: Ada', 'audio: nothing', 'video: nothing']
  assert.deepEqual(lines(), forwarded)
  participant.setSource('mix')
  await mixerOf(participant.room)
  assert.deepEqual(lines(), ['audio: all', 'video: canvas', 'audio: nothing', 'video: nothing'])
  participant.setSource('streams')
  assert.deepEqual(lines(), forwarded)
})

test("a viewer of someone's own name hears everyone else", async () => {
  rooms = new Rooms({ endpoint })
  await publisher('Ada')
  const { participant, streams } = await viewer(1, { name: 'Ada', exceptName: 'Ada', source: 'mix' })
  await mixerOf(participant.room)
  assert.deepEqual(carried(streams[0].tracks), ['audio: all but Ada', 'video: canvas'])
})

test('ports follow what participants send: who comes, leaves, mutes and shares a screen', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada', { mode: 'mcu' })
  const { room } = ada
  await mixerOf(room)
  const silent = rooms.join('loom', { name: 'Silent', transport: endpoint.createTransport() })
  assert.deepEqual(ports(room), { Ada: 'sound picture', Silent: 'muted' }, 'who sends nothing has a tile')
  silent.leave()

  ada.setMuted({ audio: true })
  assert.deepEqual(ports(room), { Ada: 'sound picture muted' }, 'a microphone stays attached while it is off')
  ada.setMuted({ audio: false, video: true })
  assert.deepEqual(ports(room), { Ada: 'sound' })

  const lines = ['audio', 'video'].flatMap(kind => ['camera', 'screen'].map(stream => ({ kind, direction: 'sendonly', stream })))
  const transport = endpoint.createTransport()
  await transport.acceptOffer(offer(lines))
  const grace = rooms.join('loom', { name: 'Grace', transport })
  const [, shared] = grace.publications
  shared.screen = true
  const grown = () => room.mixer.ports.find(({ label }) => label === 'Grace').audioSource
  for (let patience = 100; !('mixer' in grown()) && patience > 0; patience--) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.deepEqual(ports(room), { Ada: 'sound', Grace: 'sound picture', 'Grace – screen': 'picture screen' })
  assert.deepEqual(
    grown().mixer.ports.map(port => port.audioSource),
    grace.tracks.filter(track => track.kind === 'audio'),
    'the sound of a screen is heard by everyone but who shares it'
  )
  grace.setMuted({ audio: true })
  const screenSound = shared.tracks.find(track => track.kind === 'audio')
  assert.equal(grown(), screenSound, 'the screen is heard while the microphone is off')
  grace.leave()
  assert.deepEqual(ports(room), { Ada: 'sound' })
})

test('broadcast: listeners get the mix, send nothing to anybody, and may be taken on stage', async () => {
  rooms = new Rooms({ endpoint, maxParticipants: 2, maxAudience: 2 })
  const ada = await publisher('Ada', { mode: 'broadcast' })
  const { room } = ada
  assert.equal(room.mixer, null)
  const grace = await publisher('Grace', { role: 'listener' })
  await mixerOf(room)
  assert.deepEqual(grace.publications, [])
  assert.deepEqual(received(ada), [])
  assert.deepEqual(received(grace), ['audio: all', 'video: canvas'])
  assert.deepEqual(ports(room), { Ada: 'sound picture' })
  await publisher('Linus', { role: 'listener' })
  await assert.rejects(publisher('Alan', { role: 'listener' }), { code: 'ERR_PARTICIPANT_LIMIT' })

  const roles = []
  room.on('role', (participant, role) => roles.push([participant.name, role]))
  grace.setRole('member')
  assert.deepEqual(received(grace), ['audio: Ada', 'video: Ada'])
  assert.deepEqual(received(ada), ['audio: Grace', 'video: Grace'])
  assert.deepEqual(ports(room), { Ada: 'sound picture', Grace: 'sound picture' })
  refuses('ERR_PARTICIPANT_LIMIT', () => room.participants.find(({ name }) => name === 'Linus').setRole('member'))
  refuses('ERR_ROOM_MODE', () => room.setMode('p2p'))
  for (let turn = 0; turn < 12; turn++) {
    grace.setRole('listener')
    assert.deepEqual(received(ada), [])
    grace.setRole('member')
  }
  assert.deepEqual(received(ada), ['audio: Grace', 'video: Grace'])
  assert.deepEqual(roles.slice(0, 2), [
    ['Grace', 'member'],
    ['Grace', 'listener']
  ])
  const track = grace.tracks[0]
  assert.equal(track.listenerCount('mute'), 1, 'what was unpublished is not listened to any more')
  refuses('ERR_INVALID_ARG', () => grace.setRole('viewer'))
})

test('the layout of a room holds for the mixers to come', async () => {
  rooms = new Rooms({ endpoint, mixer: { audio: true, video: { width: 640, height: 360, layout: 'pip' } } })
  const ada = await publisher('Ada')
  const { room } = ada
  assert.equal(room.layout, 'pip')
  assert.equal(room.setLayout('speaker'), true)
  assert.equal(room.setLayout('speaker'), false)
  ada.setSource('mix')
  assert.equal((await mixerOf(room)).layout, 'speaker')
  room.setLayout('sidebar')
  assert.equal(room.mixer.layout, 'sidebar')
  refuses('ERR_INVALID_ARG', () => room.setLayout('circle'))
})

test('where nothing is mixed, what needs a mix is refused', async () => {
  rooms = new Rooms({ endpoint, mixer: false })
  refuses('ERR_ROOM_MODE', () => rooms.join('loom', { name: 'Ada', mode: 'mcu' }))
  refuses('ERR_ROOM_MODE', () => rooms.join('loom', { name: 'Ada', source: 'mix' }))
  assert.equal(rooms.size, 0)
  const ada = await publisher('Ada')
  refuses('ERR_ROOM_MODE', () => ada.room.setMode('broadcast'))
  refuses('ERR_ROOM_MODE', () => ada.setSource('mix'))
  assert.equal(ada.room.mixes, false)
  refuses('ERR_INVALID_ARG', () => new Rooms({ endpoint, mixer: 'yes' }))
})

test('a mixer that cannot be made is told of, and tried again', async t => {
  rooms = new Rooms({ endpoint, mixer: { audio: true, video: { width: 15 } } })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const ada = await publisher('Ada')
  const failures = []
  ada.on('mixingfailed', error => failures.push(error.code))
  ada.setSource('mix')
  await new Promise(resolve => setImmediate(resolve))
  t.mock.timers.tick(2000)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(failures, ['ERR_INVALID_ARG', 'ERR_INVALID_ARG'])
  ada.setSource('streams')
  t.mock.timers.tick(5000)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(failures.length, 2, 'nobody wants it any more')
})

test('a mixer that closes by itself is made again, and everyone gets it', async t => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada', { mode: 'mcu' })
  const { room } = ada
  const first = await mixerOf(room)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await first.close()
  assert.equal(room.mixer, null)
  t.mock.timers.tick(2000)
  const second = await mixerOf(room)
  assert.notEqual(second, first)
  assert.deepEqual(received(ada), ['audio: all but Ada', 'video: canvas'])
})
