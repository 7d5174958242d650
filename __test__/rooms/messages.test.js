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

/** Ada, Grace and Linus, with what each of them was sent. */
function three() {
  rooms = new Rooms({ endpoint })
  return ['Ada', 'Grace', 'Linus'].map(name => {
    const participant = rooms.join('loom', { name })
    const got = []
    participant.on('message', ({ from, topic, data }) => got.push([from?.name ?? 'server', topic, data]))
    return { participant, got }
  })
}

function refuses(code, action, field) {
  assert.throws(action, error => error instanceof RoomError && error.code === code && (!field || error.field === field))
}

test('a message goes to everyone else, or to those it names', () => {
  const [ada, grace, linus] = three()
  assert.equal(ada.participant.sendMessage({ data: 'hello' }), 2)
  assert.equal(ada.participant.sendMessage({ data: 'psst', topic: 'secret', to: [grace.participant, 'nobody', grace.participant.id] }), 1)
  assert.equal(ada.participant.room.sendMessage({ data: 'five minutes left', to: linus.participant.id }), 1)
  assert.equal(ada.participant.room.sendMessage({ data: 'the end' }), 3)
  assert.deepEqual(ada.got, [['server', null, 'the end']])
  assert.deepEqual(grace.got, [
    ['Ada', null, 'hello'],
    ['Ada', 'secret', 'psst'],
    ['server', null, 'the end']
  ])
  assert.deepEqual(linus.got, [
    ['Ada', null, 'hello'],
    ['server', null, 'five minutes left'],
    ['server', null, 'the end']
  ])
})

test('a message is bounded in size, recipients and rate', () => {
  const [ada] = three()
  const send = message => () => ada.participant.sendMessage(message)
  refuses('ERR_INVALID_ARG', send({ data: 'x'.repeat(16_385) }), 'data')
  refuses('ERR_INVALID_ARG', send({ data: Buffer.from('x') }), 'data')
  refuses('ERR_INVALID_ARG', send({ data: '', topic: 'x'.repeat(65) }), 'topic')
  refuses('ERR_INVALID_ARG', send({ data: '', to: Array(101).fill('a') }), 'to')
  refuses('ERR_INVALID_ARG', send(undefined), 'data')
  for (let sent = 0; sent < 20; sent++) ada.participant.sendMessage({ data: 'x' })
  refuses('ERR_RATE_LIMIT', send({ data: 'x' }))
  ada.participant.room.sendMessage({ data: 'the application may' })
  ada.participant.leave()
  refuses('ERR_CLOSED', send({ data: 'x' }))
})

test('a room hands out so many messages and no more, however many send them', () => {
  rooms = new Rooms({ endpoint, maxAudience: 4000 })
  const speakers = Array.from({ length: 3 }, (_, index) => rooms.join('loom', { name: `${index}` }))
  for (let index = 0; index < 4000; index++) rooms.join('loom', { name: 'listener', role: 'listener' })
  const send = speaker => Array.from({ length: 10 }, () => speaker.sendMessage({ data: 'x' }))
  refuses('ERR_RATE_LIMIT', () => speakers.flatMap(send))
  assert.equal(speakers[0].sendMessage({ data: 'x', to: speakers[1].id }), 1, 'one that costs little goes on')
})

test('who may not send data sends no message', () => {
  const [ada, grace] = three()
  ada.participant.setPermissions({ canPublishData: false })
  refuses('ERR_FORBIDDEN', () => ada.participant.sendMessage({ data: 'hello' }))
  assert.deepEqual(grace.got, [])
})

test('metadata and attributes are told when they change, and bounded', () => {
  rooms = new Rooms({ endpoint })
  const ada = rooms.join('loom', { name: 'Ada', metadata: '{"team":1}', attributes: { lang: 'en' } })
  const told = []
  ada.room.on('metadata', ({ metadata, attributes }) => told.push([metadata, attributes]))
  ada.setMetadata('{"team":1}')
  ada.setMetadata('{}')
  ada.setAttributes({ lang: 'fr' })
  assert.deepEqual(told, [
    ['{}', { lang: 'en' }],
    ['{}', { lang: 'fr' }]
  ])
  assert.ok(Object.isFrozen(ada.attributes))
  refuses('ERR_INVALID_ARG', () => ada.setMetadata('x'.repeat(4097)))
  refuses('ERR_INVALID_ARG', () => ada.setAttributes({ lang: 1 }))
  refuses('ERR_INVALID_ARG', () => ada.setAttributes({ lang: 'x'.repeat(513) }))
  refuses('ERR_INVALID_ARG', () => ada.setAttributes({ '': 'x' }))
  refuses('ERR_INVALID_ARG', () => ada.setAttributes(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [i, '']))))
  ada.setAttributes(JSON.parse('{"__proto__":"harmless"}'))
  assert.deepEqual(Object.entries(ada.attributes), [['__proto__', 'harmless']])
  for (const identity of ['', 'x'.repeat(129), 'a\nb', 7]) {
    refuses('ERR_INVALID_ARG', () => rooms.join('loom', { name: 'Ada', identity }), 'identity')
  }
})
