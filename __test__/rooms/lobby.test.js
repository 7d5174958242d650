'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { RoomError, Rooms } = require('medialoom/rooms')

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
})
after(() => endpoint.close())
afterEach(() => rooms.close())

/** A room with a lobby and its host. */
function withLobby(options = {}) {
  rooms = new Rooms({ endpoint, ...options })
  const host = rooms.join('loom', { name: 'Host', permissions: { roomAdmin: true } })
  host.room.setLobby(true)
  return host.room
}

/** What becomes of a guest. */
function followed(guest) {
  const events = []
  guest.on('admitted', participant => events.push(['admitted', participant.name]))
  guest.on('rejected', (code, text) => events.push(['rejected', code, text]))
  return events
}

function refuses(code, action) {
  assert.throws(action, error => error instanceof RoomError && error.code === code)
}

test('who comes waits to be let in, and is in the room then', () => {
  const room = withLobby()
  refuses('ERR_LOBBY', () => rooms.join('loom', { name: 'Ada' }))
  const seen = []
  room.on('waiting', guests => seen.push(guests.map(({ name }) => name)))
  const ada = room.knock({ name: 'Ada', metadata: 'from far' })
  const grace = room.knock({ name: 'Grace' })
  const events = followed(ada)
  const participant = room.admit(ada.id)
  assert.deepEqual(events, [['admitted', 'Ada']])
  assert.equal(participant.metadata, 'from far')
  assert.equal(ada.waiting, false)
  room.reject(grace, 'not today')
  assert.deepEqual(seen, [['Ada'], ['Ada', 'Grace'], ['Grace'], []])
  refuses('ERR_INVALID_ARG', () => room.admit(ada))
  refuses('ERR_INVALID_ARG', () => room.reject('nobody'))
})

test('a guest is told when they are turned away, banned, replaced, or the room ends', () => {
  const room = withLobby()
  const first = followed(room.knock({ name: 'ada', identity: 'ada' }))
  const guests = ['ada', 'grace', 'linus'].map(identity => room.knock({ name: identity, identity }))
  const [ada, grace, linus] = guests.map(followed)
  assert.deepEqual(first, [['rejected', 'replaced', null]])
  assert.ok(room.waiting.every(({ waiting }) => waiting))
  room.reject(guests[0], 'sorry')
  assert.deepEqual(ada, [['rejected', 'rejected', 'sorry']])
  room.ban('grace')
  assert.deepEqual(grace, [['rejected', 'banned', null]])
  room.close()
  assert.deepEqual(linus, [['rejected', 'room-closed', null]])
})

test('when the lobby is opened everybody comes in, as far as there are places', () => {
  const room = withLobby({ maxParticipants: 2 })
  const [ada, grace] = ['Ada', 'Grace'].map(name => room.knock({ name }))
  const events = [followed(ada), followed(grace)]
  room.setLobby(false)
  assert.deepEqual(events[0], [['admitted', 'Ada']])
  assert.deepEqual(
    events[1].map(([what, code]) => [what, code]),
    [['rejected', 'failed']]
  )
  assert.deepEqual(room.waiting, [])
})

test('who gives up is forgotten, and a lobby has its bound', () => {
  const room = withLobby({ maxWaiting: 2 })
  const ada = room.knock({ name: 'Ada' })
  room.knock({ name: 'Grace' })
  refuses('ERR_PARTICIPANT_LIMIT', () => room.knock({ name: 'Linus' }))
  ada.leave()
  ada.leave()
  room.knock({ name: 'Linus' })
  assert.deepEqual(
    room.waiting.map(({ name }) => name),
    ['Grace', 'Linus']
  )
})

test('what is wrong with a guest is said at the door', () => {
  const room = withLobby()
  refuses('ERR_INVALID_ARG', () => room.knock({ name: '' }))
  refuses('ERR_INVALID_ARG', () => room.knock({ name: 'Ada', metadata: 'x'.repeat(4097) }))
  refuses('ERR_INVALID_ARG', () => room.knock({ name: 'Ada', permissions: { everything: true } }))
  assert.deepEqual(room.waiting, [])
})
