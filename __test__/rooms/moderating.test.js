'use strict'

/** Moderation, the lobby, hands, messages and metadata over the room server's WebSocket. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
let clients = []

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true
  })
})
after(() => server.close())
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

/** Joins, with these permissions where they are told. */
async function join(name, permissions, more = {}) {
  const client = await SignalingClient.joined(server.url, { room: 'loom', name, ...more })
  clients.push(client)
  client.id = client.welcome.participant
  client.participant = server.rooms.get('loom').get(client.id)
  if (permissions) {
    client.participant.setPermissions(permissions)
    await client.next('permissions')
  }
  return client
}

async function knock(name) {
  const client = new SignalingClient(server.url)
  clients.push(client)
  await client.opened
  client.send({ type: 'join', room: 'loom', name })
  assert.equal((await client.next('waiting')).room, 'loom')
  return client
}

const moderate = (action, more = {}) => ({ type: 'moderate', action, ...more })

test('only whoever has the room in hand may moderate it, or change its mode and layout', async () => {
  const host = await join('Host')
  const ada = await join('Ada', { roomAdmin: false })
  const grace = await join('Grace', { roomAdmin: false })
  const requests = [
    ...['mute', 'unmute', 'kick', 'ban', 'permit'].map(action => moderate(action, { participant: grace.id })),
    moderate('permit', { participant: ada.id, permissions: { roomAdmin: true } }),
    ...['lock', 'unlock', 'lobby', 'admit', 'reject'].map(action => moderate(action)),
    { type: 'set-mode', mode: 'p2p' },
    { type: 'set-layout', layout: 'speaker' }
  ]
  for (const request of requests) {
    ada.send(request)
    const error = await ada.next('error')
    assert.deepEqual([error.code, error.request], ['forbidden', request.type], JSON.stringify(request))
  }
  const { room } = host.participant
  assert.deepEqual([room.participants.length, room.locked, room.lobby, room.mode], [3, false, false, 'sfu'])
  assert.deepEqual(grace.participant.moderated, { audio: false, video: false, screen: false })
})

test('what is muted is told to everyone, the muted one too, and withheld', async () => {
  const host = await join('Host')
  const ada = await join('Ada')
  ada.send({ type: 'offer', connection: 1, id: 1, sdp: publisherOffer('camera') })
  await ada.next('answer')
  host.send(moderate('mute', { participant: ada.id, kind: 'audio' }))
  for (const client of [host, ada]) {
    const { participant } = await client.next('updated', ({ participant }) => participant.moderated.audio)
    assert.deepEqual([participant.id, participant.moderated], [ada.id, { audio: true, video: false, screen: false }])
  }
  assert.deepEqual(
    ada.participant.tracks.map(track => track.withheld),
    [true, false]
  )
  host.send(moderate('unmute', { participant: ada.id }))
  await ada.next('updated', ({ participant }) => !participant.moderated.audio)
  host.send(moderate('mute', { participant: 'nobody' }))
  assert.equal((await host.next('error')).code, 'unknown-participant')
})

test('who is kicked or banned is told why, and their session is over', async () => {
  const host = await join('Host')
  for (const [action, code] of [
    ['kick', 'kicked'],
    ['ban', 'banned']
  ]) {
    const ada = await join('Ada')
    host.send(moderate(action, { participant: ada.id, reason: 'be kind' }))
    assert.deepEqual(await ada.next('bye'), { type: 'bye', code, message: 'be kind' })
    assert.equal(await ada.closed, 1008)
    assert.equal((await host.next('left')).reason, code)
    const again = await join('Ada', undefined, { session: ada.welcome.session })
    assert.equal(again.welcome.resumed, false)
    again.send({ type: 'leave' })
    await host.next('left')
  }
})

test('permissions change while somebody is connected: what they sent is withdrawn', async () => {
  const host = await join('Host')
  const ada = await join('Ada', { roomAdmin: false })
  ada.send({ type: 'offer', connection: 1, id: 1, sdp: publisherOffer('camera') })
  await host.next('updated', ({ participant }) => participant.streams.length === 1)
  host.send(moderate('permit', { participant: ada.id, permissions: { canPublish: false } }))
  assert.equal((await ada.next('permissions')).permissions.canPublish, false)
  await host.next('updated', ({ participant }) => participant.streams.length === 0)
  ada.send({ type: 'set-role', role: 'listener' })
  await ada.next('role')
  ada.send({ type: 'set-role', role: 'member' })
  assert.equal((await ada.next('error')).code, 'forbidden')
})

test('whoever is hidden is not told of, until they are not', async () => {
  const host = await join('Host')
  const ada = await join('Ada', { roomAdmin: false })
  await host.next('joined')
  host.send(moderate('permit', { participant: ada.id, permissions: { hidden: true } }))
  assert.deepEqual(await host.next('left'), { type: 'left', participant: ada.id, reason: 'hidden' })
  const grace = await join('Grace')
  assert.deepEqual(
    grace.welcome.participants.map(({ name }) => name),
    ['Host', 'Grace']
  )
  ada.send({ type: 'media', audio: true, video: false, streams: [] })
  ada.send({ type: 'hand', raised: true })
  await ada.next('updated')
  assert.deepEqual(await grace.seen('updated'), [])
  host.send(moderate('permit', { participant: ada.id, permissions: { hidden: false } }))
  assert.equal((await grace.next('joined')).participant.name, 'Ada')
})

test('a locked room refuses who comes, with a code of its own', async () => {
  const host = await join('Host')
  host.send(moderate('lock'))
  assert.deepEqual(await host.next('room'), { type: 'room', locked: true, lobby: false })
  // In an open server everybody is a host; the application's own joins show what others meet.
  assert.throws(() => server.rooms.join('loom', { name: 'Ada' }), { code: 'ERR_LOCKED' })
  host.send(moderate('unlock'))
  assert.equal((await host.next('room')).locked, false)
})

test('who comes to a lobby waits, and is let in, turned away or gives up', async t => {
  const host = await join('Host')
  // Of the others, as an application that knows its hosts would have it.
  const { join: enter } = server.rooms
  t.mock.method(server.rooms, 'join', (name, options) => enter.call(server.rooms, name, { ...options, permissions: {} }))
  host.send(moderate('lobby', { on: true }))
  assert.deepEqual(await host.next('room'), { type: 'room', locked: false, lobby: true })
  const ada = await knock('Ada')
  const [{ id, name }] = (await host.next('lobby')).waiting
  assert.equal(name, 'Ada')
  ada.send({ type: 'hand', raised: true })
  assert.equal((await ada.next('error')).code, 'not-joined')
  host.send(moderate('admit', { participant: id }))
  const welcome = await ada.next('welcome')
  assert.deepEqual(
    welcome.participants.map(each => each.name),
    ['Host', 'Ada']
  )
  assert.deepEqual((await host.next('lobby')).waiting, [])
  ada.send({ type: 'media', audio: true, video: false, streams: [] })
  await host.next('updated', ({ participant }) => participant.audio)

  const grace = await knock('Grace')
  const { waiting } = await host.next('lobby')
  host.send(moderate('reject', { participant: waiting[0].id, reason: 'we are full' }))
  assert.deepEqual(await grace.next('bye'), { type: 'bye', code: 'rejected', message: 'we are full' })
  await host.next('lobby')
  for (const goes of [client => client.close(), client => client.send({ type: 'leave' })]) {
    const linus = await knock('Linus')
    assert.equal((await host.next('lobby')).waiting.length, 1)
    goes(linus)
    assert.equal((await host.next('lobby')).waiting.length, 0)
  }
  host.send(moderate('admit', { participant: 'nobody' }))
  assert.equal((await host.next('error')).code, 'bad-message')
})

test('a message goes to whom it names, is answered when it may not be sent, and can come from the server', async () => {
  const [ada, grace, linus] = [await join('Ada'), await join('Grace'), await join('Linus')]
  ada.send({ type: 'message', topic: 'chat', data: 'hello' })
  for (const client of [grace, linus]) {
    assert.deepEqual(await client.next('message'), { type: 'message', from: ada.id, topic: 'chat', data: 'hello' })
  }
  ada.send({ type: 'message', to: [linus.id], data: 'psst' })
  assert.deepEqual(await linus.next('message'), { type: 'message', from: ada.id, data: 'psst' })
  ada.participant.room.sendMessage({ data: 'five minutes' })
  assert.deepEqual(await grace.next('message'), { type: 'message', from: null, data: 'five minutes' })
  ada.participant.setPermissions({ canPublishData: false })
  ada.send({ type: 'message', data: 'let me' })
  assert.deepEqual((({ code, request }) => ({ code, request }))(await ada.next('error')), { code: 'forbidden', request: 'message' })
  for (let sent = 0; sent < 21; sent++) grace.send({ type: 'message', data: 'flood' })
  assert.equal((await grace.next('error')).code, 'rate-limited')
})

test("hands and metadata are told to everyone, a listener's hand to the hosts", async () => {
  const host = await join('Host')
  const ada = await join('Ada', { roomAdmin: false })
  ada.send({ type: 'hand', raised: true })
  const { participant } = await host.next('updated', ({ participant }) => participant.hand !== null)
  assert.equal(participant.id, ada.id)
  ada.send({ type: 'metadata', metadata: '{"team":1}', attributes: { lang: 'en' } })
  const { participant: described } = await host.next('updated', ({ participant }) => participant.attributes.lang === 'en')
  assert.equal(described.metadata, '{"team":1}')
  const grace = await join('Grace', { roomAdmin: false }, { role: 'listener' })
  grace.send({ type: 'hand', raised: true })
  const raised = await host.next('hand')
  assert.deepEqual(raised.participant, { id: grace.id, name: 'Grace', role: 'listener' })
  assert.ok(raised.hand > 0)
  assert.deepEqual(await ada.seen('hand'), [])
})

test('a client that gets the speakers is told whose each stream is, and again when it has come back', async () => {
  const ada = await join('Ada')
  ada.send({ type: 'offer', connection: 1, id: 1, sdp: publisherOffer('camera') })
  await ada.next('answer')
  const grace = await join('Grace', undefined, { source: 'speakers' })
  const all = ['audio.1', 'audio.2', 'audio.3', 'video.1', 'video.2', 'video.3', 'video.4'].map(slot => `speaker.${slot}`)
  const told = await grace.next('slots', ({ streams }) => streams.some(({ participant }) => participant === ada.id))
  assert.deepEqual(
    told.streams.map(({ id }) => id),
    all
  )
  grace.close()
  const again = await join('Grace', undefined, { session: grace.welcome.session })
  assert.equal(again.welcome.resumed, true)
  assert.deepEqual(
    (await again.next('slots')).streams.map(({ id }) => id),
    all
  )
})
