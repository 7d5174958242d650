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

/** What is sent to somebody: of whom, and which kinds. */
function received(participant) {
  return participant.transport.outgoingTracks.map(({ kind, transponder }) => {
    const source = transponder?.incomingTrack
    const sender = participant.room.participants.find(each => each.tracks.includes(source))
    return `${sender?.name} ${kind}`
  })
}

function refuses(code, action, field) {
  assert.throws(action, error => error instanceof RoomError && error.code === code && (!field || error.field === field))
}

test('whoever says nothing may do everything but moderate and record', async () => {
  rooms = new Rooms({ endpoint })
  const ada = await publisher('Ada')
  assert.deepEqual(ada.permissions, {
    canPublish: true,
    canPublishSources: null,
    canSubscribe: true,
    canPublishData: true,
    roomAdmin: false,
    roomRecord: false,
    hidden: false
  })
  assert.ok(Object.isFrozen(ada.permissions))
})

test('a permission that is not known, or not of its type, is refused and named', () => {
  rooms = new Rooms({ endpoint })
  const join = permissions => () => rooms.join('loom', { name: 'Ada', permissions })
  refuses('ERR_INVALID_ARG', join({ canpublish: false }), 'permissions.canpublish')
  refuses('ERR_INVALID_ARG', join({ toString: true }), 'permissions.toString')
  refuses('ERR_INVALID_ARG', join({ canPublish: 'no' }), 'permissions.canPublish')
  refuses('ERR_INVALID_ARG', join({ canPublishSources: ['camera', 'face'] }), 'permissions.canPublishSources')
  refuses('ERR_INVALID_ARG', join(null), 'permissions')
  assert.equal(rooms.size, 0)
})

test('what is sent without leave goes nowhere, and what was sent with it is withdrawn at once', async () => {
  rooms = new Rooms({ endpoint })
  const grace = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport() })
  const ada = await publisher('Ada', { permissions: { canPublish: false } })
  assert.deepEqual([ada.publications, received(grace)], [[], []])

  ada.setPermissions({ canPublish: true })
  assert.deepEqual(received(grace), ['Ada audio', 'Ada video'])
  const [publication] = ada.publications
  const events = []
  ada.on('unpublished', () => events.push('unpublished'))
  ada.on('permissions', ({ canPublish }) => events.push(`may publish: ${canPublish}`))
  ada.setPermissions({ canPublish: false })
  assert.deepEqual([ada.publications, grace.transport.outgoingStreams], [[], []])
  assert.ok(publication.closed)
  assert.deepEqual(events, ['unpublished', 'may publish: false'])
  const linus = rooms.join('loom', { name: 'Linus', transport: endpoint.createTransport() })
  assert.deepEqual(received(linus), [])
})

test('of the sources only those that are allowed are for the others', async () => {
  rooms = new Rooms({ endpoint })
  const grace = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport() })
  const lines = ['camera', 'screen'].flatMap(stream => [
    { kind: 'audio', direction: 'sendonly', stream },
    { kind: 'video', direction: 'sendonly', stream }
  ])
  const transport = endpoint.createTransport()
  await transport.acceptOffer(offer(lines))
  const ada = rooms.join('loom', { name: 'Ada', permissions: { canPublishSources: ['microphone'] } })
  ada.setScreens(['screen'])
  ada.setTransport(transport)
  assert.deepEqual(received(grace), ['Ada audio'])

  ada.setPermissions({ canPublishSources: ['microphone', 'screen'] })
  assert.deepEqual(received(grace), ['Ada audio', 'Ada audio', 'Ada video'])
  assert.deepEqual(
    ada.publications.map(({ screen, speech }) => [screen, speech]),
    [
      [false, true],
      [true, false]
    ]
  )
  ada.setPermissions({ canPublishSources: ['camera'] })
  assert.deepEqual(received(grace), ['Ada video'])
  assert.equal(ada.publications[0].screen, false)
  ada.setScreens(['screen', 'camera'])
  assert.deepEqual(received(grace), [], 'what was a camera is a screen now')
})

test('whoever may not subscribe gets nothing, until they may', async () => {
  rooms = new Rooms({ endpoint })
  await publisher('Ada')
  const grace = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport(), permissions: { canSubscribe: false } })
  await publisher('Linus')
  assert.deepEqual(received(grace), [])
  grace.setPermissions({ canSubscribe: true })
  assert.deepEqual(received(grace), ['Ada audio', 'Ada video', 'Linus audio', 'Linus video'])
  grace.setPermissions({ canSubscribe: false })
  assert.deepEqual(grace.transport.outgoingStreams, [])
})

test('whoever is hidden sends nothing to anybody', async () => {
  rooms = new Rooms({ endpoint })
  const grace = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport() })
  const ada = await publisher('Ada', { permissions: { hidden: true } })
  assert.deepEqual(received(grace), [])
  refuses('ERR_FORBIDDEN', () => ada.sendMessage({ data: 'boo' }))
  ada.setPermissions({ hidden: false })
  assert.deepEqual(received(grace), ['Ada audio', 'Ada video'])
})
