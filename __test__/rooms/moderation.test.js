'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { RoomError, Rooms } = require('medialoom/rooms')
const { offer, publisherOffer } = require('./sdp.js')

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
async function publisher(name, options = {}) {
  const transport = endpoint.createTransport()
  await transport.acceptOffer(publisherOffer(name))
  return rooms.join('loom', { name, transport, ...options })
}

const join = (name, options = {}) => rooms.join('loom', { name, ...options })
const withheld = ({ tracks }) => Object.fromEntries(tracks.map(track => [track.kind, track.withheld]))

function refuses(code, action) {
  assert.throws(action, error => error instanceof RoomError && error.code === code)
}

test('what a moderator mutes is withheld from everyone, with what comes later', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada')
  const events = []
  ada.on('moderated', moderated => events.push(moderated))
  ada.mute('audio')
  ada.mute('audio')
  assert.deepEqual(withheld(ada), { audio: true, video: false })
  assert.deepEqual(events, [{ audio: true, video: false, screen: false }])

  const transport = endpoint.createTransport()
  await transport.acceptOffer(publisherOffer('again'))
  ada.setTransport(transport)
  assert.deepEqual(withheld(ada), { audio: true, video: false }, 'by a new transport as well')
  ada.setPermissions({ canPublish: false })
  ada.setPermissions({ canPublish: true })
  assert.deepEqual(withheld(ada), { audio: true, video: false })
  ada.unmute('audio')
  assert.deepEqual(withheld(ada), { audio: false, video: false })
  refuses('ERR_INVALID_ARG', () => ada.mute('everything'))
})

test('a screen is muted on its own, and stays so when it is said to be one only later', async () => {
  rooms = new Rooms({ endpoint })
  const transport = endpoint.createTransport()
  await transport.acceptOffer(
    offer([
      { kind: 'video', direction: 'sendonly', stream: 'camera' },
      { kind: 'video', direction: 'sendonly', stream: 'screen' }
    ])
  )
  const ada = join('Ada', { transport })
  ada.mute('screen')
  assert.deepEqual(
    ada.tracks.map(track => track.withheld),
    [false, false]
  )
  ada.setScreens(['screen'])
  assert.deepEqual(
    ada.tracks.map(track => track.withheld),
    [false, true]
  )
})

test('one publication is muted by itself, wholly or in one kind', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada')
  const [publication] = ada.publications
  publication.mute()
  assert.deepEqual(withheld(ada), { audio: true, video: true })
  publication.unmute('video')
  assert.deepEqual(
    [publication.muted, withheld(ada)],
    [
      { audio: true, video: false },
      { audio: true, video: false }
    ]
  )
  ada.mute('audio')
  publication.unmute()
  assert.deepEqual(withheld(ada), { audio: true, video: false }, 'what the participant has muted stays')
})

test('who is kicked leaves with what was said, and may come again', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada', { identity: 'ada' })
  join('Grace')
  const { transport } = ada
  const left = []
  ada.room.on('left', ({ name }, reason, text) => left.push([name, reason, text]))
  ada.kick('too loud')
  assert.ok(transport.closed)
  assert.deepEqual(left, [['Ada', 'kicked', 'too loud']])
  join('Ada', { identity: 'ada' })
})

test('an identity is what a path can carry', () => {
  rooms = new Rooms({ endpoint })
  for (const identity of ['.', '..']) refuses('ERR_INVALID_ARG', () => join('Ada', { identity }))
  assert.equal(join('Ada', { identity: '...' }).identity, '...')
})

test('who is banned leaves and does not come in again under that identity, nor by the lobby', () => {
  rooms = new Rooms({ endpoint })
  const { room } = join('Grace', { permissions: { roomAdmin: true } })
  const ada = join('Ada', { identity: 'ada' })
  const left = []
  room.on('left', ({ name }, reason) => left.push([name, reason]))
  assert.equal(room.ban(ada, 'enough'), true)
  assert.deepEqual(left, [['Ada', 'banned']])
  refuses('ERR_BANNED', () => join('Ada', { identity: 'ada' }))
  refuses('ERR_BANNED', () => join('Ada', { identity: 'ada', permissions: { roomAdmin: true } }))
  refuses('ERR_BANNED', () => room.knock({ name: 'Ada', identity: 'ada' }))
  assert.equal(room.ban('linus'), true)
  refuses('ERR_BANNED', () => join('Linus', { identity: 'linus' }))
  assert.deepEqual(room.banned, ['ada', 'linus'])
  assert.equal(room.unban('linus'), true)
  join('Linus', { identity: 'linus' })
  assert.equal(room.ban(join('Nobody')), false, 'there is nothing to know them by')
  assert.equal(
    room.participants.some(({ name }) => name === 'Nobody'),
    false
  )
})

test('who is banned leaves with every connection of theirs, and who shares no more than an address stays', () => {
  rooms = new Rooms({ endpoint })
  const ada = rooms.join('loom', { name: 'Ada', identity: 'ada', banBy: ['address:192.0.2.7'] })
  const watching = rooms.join('loom', { name: 'Ada on the wall', role: 'viewer', owner: 'ada' })
  const guest = rooms.join('loom', { name: 'Guest', banBy: ['address:192.0.2.7'] })
  const neighbour = rooms.join('loom', { name: 'Neighbour', banBy: ['address:192.0.2.7'] })
  const { room } = ada
  assert.deepEqual([ada.owner, watching.owner, watching.identity, guest.owner], ['ada', 'ada', null, null])
  assert.equal(room.ban(ada, 'enough'), true)
  assert.deepEqual(room.participants, [guest, neighbour])
  assert.throws(() => room.join({ name: 'Ada on the wall', role: 'viewer', owner: 'ada' }), { code: 'ERR_BANNED' })

  assert.equal(room.ban(guest), true)
  assert.deepEqual(room.participants, [neighbour])
  assert.deepEqual(room.banned, ['ada', 'address:192.0.2.7'])
  const back = (options = {}) => room.join({ name: 'Guest', banBy: ['address:192.0.2.7', 'token:1'], ...options })
  assert.throws(() => back(), { code: 'ERR_BANNED' })
  assert.throws(() => room.knock({ name: 'Guest', banBy: ['address:192.0.2.7'] }), { code: 'ERR_BANNED' })
  back({ identity: 'grace' })
  back({ permissions: { roomAdmin: true } })
  assert.equal(room.unban('address:192.0.2.7'), true)
  back()
  for (const banBy of ['address', [''], [7], Array(9).fill('a')]) assert.throws(() => back({ banBy }), { code: 'ERR_INVALID_ARG' })
})

test('a locked room lets in its admins and whoever is in it already', () => {
  rooms = new Rooms({ endpoint })
  const ada = join('Ada', { identity: 'ada' })
  const { room } = ada
  const told = []
  room.on('locked', locked => told.push(locked))
  room.lock()
  room.lock()
  refuses('ERR_LOCKED', () => join('Grace'))
  join('Host', { permissions: { roomAdmin: true } })
  join('Ada', { identity: 'ada' })
  assert.ok(ada.closed)
  room.unlock()
  join('Grace')
  assert.deepEqual(told, [true, false])
})

test('an identity is in a room once: who comes again takes the place, and what was muted stays muted', async () => {
  rooms = new Rooms({ endpoint, maxParticipants: 1 })
  const first = await publisher('Ada', { identity: 'ada' })
  first.mute('audio')
  const events = []
  first.room.on('left', ({ id }, reason) => events.push([id, reason]))
  first.room.on('joined', ({ id }) => events.push([id, 'joined']))
  const second = await publisher('Ada', { identity: 'ada' })
  assert.deepEqual(events, [
    [first.id, 'replaced'],
    [second.id, 'joined']
  ])
  assert.equal(rooms.size, 1)
  assert.equal(second.room, first.room)
  assert.deepEqual(withheld(second), { audio: true, video: false })
})

test('who leaves muted and comes back is muted still', async () => {
  rooms = new Rooms({ endpoint })
  join('Grace')
  const ada = await publisher('Ada', { identity: 'ada' })
  ada.mute('video')
  ada.leave()
  const again = await publisher('Ada', { identity: 'ada' })
  assert.deepEqual([again.moderated.video, withheld(again)], [true, { audio: false, video: true }])
})

test('a hand is raised once and says since when', () => {
  rooms = new Rooms({ endpoint })
  const ada = join('Ada')
  const hands = []
  ada.room.on('hand', (participant, since) => hands.push([participant.name, since]))
  const before = Date.now()
  ada.raiseHand()
  ada.raiseHand()
  const { hand } = ada
  assert.ok(hand >= before && hand <= Date.now())
  ada.raiseHand(false)
  assert.deepEqual(hands, [
    ['Ada', hand],
    ['Ada', null]
  ])
})
