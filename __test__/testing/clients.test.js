'use strict'

/** Clients for tests of applications, as such a test would use them. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { after, afterEach, before, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { whipHandler } = require('medialoom/fetch')
const { Rooms } = require('medialoom/rooms')
const { TestClients } = require('medialoom/testing')

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms
/** @type {import('medialoom/testing').TestClients} */
let clients

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  rooms = new Rooms({ endpoint, mixer: { audio: true } })
  clients = await TestClients.create()
})
afterEach(() => {
  for (const room of [...rooms]) room.close()
})
after(async () => {
  await clients.close()
  await endpoint.close()
})

const join = (name, options = {}) => clients.join(rooms, 'garden', { name, ...options })

test('clients of one room hear and see who speaks and shows something, until a moderator mutes them', async () => {
  const [ada, grace, linus] = [await join('Ada'), await join('Grace'), await join('Linus')]
  const speaking = once(ada.participant, 'speaking')
  await Promise.all([ada.speak(), ada.show()])
  await Promise.all([grace, linus].flatMap(client => [client.hears(ada.participant), client.sees(ada.participant)]))
  await grace.hears(linus.participant, { not: true })
  assert.deepEqual(await speaking, [true])

  ada.participant.mute('audio')
  await grace.hears(ada.participant, { not: true })
  await grace.sees(ada.participant)
  ada.participant.unmute('audio')
  await grace.hears(ada.participant)
  ada.beSilent()
  await grace.hears(ada.participant, { not: true })
})

test('a client that goes leaves the room, and one that is kicked has gone', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace', { sends: ['audio'] })]
  await Promise.all([once(ada.participant, 'left'), ada.close()])
  const closing = once(grace.transport, 'closed')
  grace.participant.kick()
  assert.deepEqual(await closing, ['remote'])
  await assert.rejects(grace.hears(), /gone/)
})

test('a listener hears the mix, and a client that nobody speaks to is told so', async () => {
  const [ada, listener] = [await join('Ada', { mode: 'mcu' }), await join('Listener', { role: 'listener', sends: ['audio'] })]
  await assert.rejects(listener.hears(undefined, { timeout: 200 }), /hears nothing of anybody after 200 ms/)
  await ada.speak()
  await listener.hears()
  await assert.rejects(listener.show(), /sends no video/)
})

test('who is not let in leaves no connection behind', async () => {
  const ada = await join('Ada', { permissions: { roomAdmin: true } })
  ada.participant.room.lock()
  const count = endpoint.transports.length
  await assert.rejects(join('Grace'), { code: 'ERR_LOCKED' })
  assert.equal(endpoint.transports.length, count)
})

test('a client publishes by WHIP', async () => {
  const whip = whipHandler({ rooms })
  const obs = await clients.connect(async body => {
    const headers = { 'Content-Type': 'application/sdp' }
    return (await whip(new Request('http://localhost/whip/garden?peer=OBS', { method: 'POST', body, headers }))).text()
  })
  const [publisher] = rooms.get('garden').participants
  assert.deepEqual([publisher.name, publisher.role, obs.participant], ['OBS', 'publisher', null])
  const ada = await join('Ada')
  await obs.speak()
  await ada.hears(publisher)
})
