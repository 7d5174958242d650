'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { offer, publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
let clients = []

const LIMITS = {
  maxRooms: 1000,
  maxParticipants: 4,
  joinTimeout: 1500,
  resumeTimeout: 800,
  heartbeatInterval: 1000,
  maxMessageSize: 100_000,
  maxSdpLength: 50_000,
  messagesPerSecond: 20,
  messageBurst: 40,
  maxDroppedMessages: 50,
  maxConnections: 1100,
  maxConnectionsPerAddress: 2000,
  connectionBurst: 10_000,
  joinBurst: 10_000,
  requestBurst: 10_000,
  maxSocketsPerAddress: 3000,
  maxRoomsPerAddress: 2000
}

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true,
    limits: LIMITS
  })
})
after(() => server.close())
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

async function join(name, more = {}, options = {}) {
  const client = await SignalingClient.joined(server.url, { room: 'loom', name, mode: 'p2p', ...more }, options)
  clients.push(client)
  return client
}

async function stranger() {
  const client = new SignalingClient(server.url)
  clients.push(client)
  await client.opened
  return client
}

const json = async path => (await fetch(new URL(path, server.url))).json()

test('who is in a room is told to those who come, and who comes and goes to those who are there', async () => {
  const ada = await join('Ada')
  assert.equal(ada.welcome.mode, 'p2p')
  assert.deepEqual(
    ada.welcome.participants.map(each => each.name),
    ['Ada']
  )
  const grace = await join('Grace', { mode: 'sfu' })
  assert.equal(grace.welcome.mode, 'p2p', 'the mode of a room is that of whoever made it')
  assert.deepEqual(
    grace.welcome.participants.map(each => each.name),
    ['Ada', 'Grace']
  )
  assert.equal((await ada.next('joined')).participant.name, 'Grace')

  const streams = [{ id: 'screen-1', source: 'screen' }]
  grace.send({ type: 'media', audio: true, video: false, streams })
  const { participant } = await ada.next('updated')
  assert.deepEqual(participant, {
    id: grace.welcome.participant,
    name: 'Grace',
    role: 'member',
    metadata: '',
    attributes: {},
    hand: null,
    moderated: { audio: false, video: false, screen: false },
    audio: true,
    video: false,
    encrypted: false,
    streams
  })
  grace.send({ type: 'media', audio: true, video: false, encrypted: true, streams })
  assert.equal((await ada.next('updated')).participant.encrypted, true)

  grace.send({ type: 'leave' })
  assert.equal((await grace.next('bye')).code, 'left')
  assert.deepEqual(await ada.next('left'), { type: 'left', participant: grace.welcome.participant, reason: 'left' })
  assert.equal(await grace.closed, 1000)
})

test('signals go to the one they are for, and nobody else', async () => {
  const [ada, grace, linus] = [await join('Ada'), await join('Grace'), await join('Linus')]
  const description = { type: 'offer', sdp: 'v=0' }
  ada.send({ type: 'signal', epoch: 0, to: grace.welcome.participant, description })
  assert.deepEqual(await grace.next('signal'), { type: 'signal', epoch: 0, from: ada.welcome.participant, description })
  ada.send({ type: 'signal', epoch: 0, to: grace.welcome.participant, candidate: null })
  assert.equal((await grace.next('signal')).candidate, null)
  assert.deepEqual(await linus.seen('signal'), [])

  ada.send({ type: 'signal', epoch: 0, to: 'nobody', description })
  const error = await ada.next('error')
  assert.equal(error.code, 'unknown-participant')
  assert.equal(error.request, 'signal')
})

test('the mode switches for everyone, and late signals of the old one are dropped', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  ada.send({ type: 'set-mode', mode: 'sfu' })
  for (const client of [ada, grace]) {
    const { mode, epoch, by } = await client.next('mode')
    assert.deepEqual({ mode, epoch, by }, { mode: 'sfu', epoch: 1, by: ada.welcome.participant })
  }
  assert.equal((await json('/api/rooms/loom')).mode, 'sfu')
  grace.send({ type: 'signal', epoch: 0, to: ada.welcome.participant, description: { type: 'offer', sdp: '' } })
  assert.deepEqual(await grace.seen('error'), [])
  ada.send({ type: 'set-mode', mode: 'p2p' })
  assert.equal((await grace.next('mode')).epoch, 2)
  assert.equal(server.endpoint.transports.length, 0)
})

test('in mode sfu the server answers offers, once each, and offers the streams of others', async () => {
  const ada = await join('Ada', { mode: 'sfu' })
  const { connection } = ada.welcome
  ada.send({ type: 'media', audio: true, video: true, streams: [{ id: 'cam', source: 'screen' }] })
  ada.send({ type: 'offer', connection, id: 7, sdp: publisherOffer('cam') })
  const answer = await ada.next('answer')
  assert.equal(answer.id, 7)
  assert.match(answer.sdp, /^v=0/)
  ada.send({ type: 'offer', connection, id: 7, sdp: publisherOffer('cam') })
  assert.deepEqual(await ada.next('answer'), answer, 'an offer that comes again gets the same answer')
  ada.send({ type: 'offer', connection: connection + 1, id: 8, sdp: publisherOffer('cam') })
  assert.deepEqual(await ada.seen('answer'), [], 'an offer of another connection gets none')

  const grace = await join('Grace')
  const [{ streams }] = grace.welcome.participants
  assert.equal(streams.length, 1)
  assert.equal(streams[0].source, 'screen')
  const published = () => server.rooms.get('loom').participants[0].publications
  assert.deepEqual(
    published().map(publication => publication.speech),
    [false],
    'a screen does not speak'
  )
  ada.send({ type: 'media', audio: true, video: true, streams: [{ id: 'cam', source: 'camera' }] })
  await grace.next('updated', ({ participant }) => participant.streams[0].source === 'camera')
  assert.deepEqual(
    published().map(publication => publication.speech),
    [true]
  )
  assert.deepEqual(await grace.seen('offer'), [], 'the client offers first')
  grace.send({
    type: 'offer',
    connection: grace.welcome.connection,
    id: 1,
    sdp: offer([{ kind: 'audio', direction: 'sendonly', stream: 'mic' }])
  })
  await grace.next('answer')
  const offered = await grace.next('offer')
  assert.match(offered.sdp, new RegExp(`a=msid:${streams[0].id.replace('.', '\\.')} `))

  grace.send({ type: 'offer', connection: grace.welcome.connection, id: 2, sdp: 'nonsense' })
  assert.equal((await grace.next('error', error => error.request === 'offer')).code, 'negotiation-failed')
  grace.send({ type: 'reset' })
  assert.equal((await grace.next('reset')).connection, grace.welcome.connection + 1)
})

test('between the modes of the server the connection stays, and everyone is told what they get', async () => {
  const ada = await join('Ada', { mode: 'sfu' })
  const { connection, source, layout, mixes } = ada.welcome
  assert.deepEqual([source, layout, mixes], ['streams', 'grid', true])
  const grace = await join('Grace', { source: 'mix' })
  assert.equal(grace.welcome.source, 'mix')
  ada.send({ type: 'offer', connection, id: 1, sdp: publisherOffer('cam') })
  await ada.next('answer')

  const { transport } = server.rooms.get('loom').participants[0]
  grace.send({ type: 'set-mode', mode: 'mcu' })
  assert.deepEqual(await ada.next('source'), { type: 'source', source: 'mix' })
  const told = await ada.next('mode')
  assert.deepEqual([told.mode, told.epoch, told.connection], ['mcu', 1, connection])
  assert.equal(server.rooms.get('loom').participants[0].transport, transport)
  assert.match((await ada.next('offer')).sdp, /a=msid:mix /)
  assert.equal((await ada.next('encoding')).stream, 'mix')

  grace.send({ type: 'set-layout', layout: 'speaker' })
  assert.deepEqual(await ada.next('layout'), { type: 'layout', layout: 'speaker', by: grace.welcome.participant })
  ada.send({ type: 'set-source', source: 'streams' })
  assert.equal((await ada.next('source')).source, 'streams')
  assert.deepEqual(await grace.seen('source'), [], 'others get what they got')
  const room = await json('/api/rooms/loom')
  assert.deepEqual([room.mixing, room.layout], [true, 'speaker'])
  assert.deepEqual(
    room.participants.map(each => each.source),
    ['streams', 'mix']
  )
  const metrics = await (await fetch(new URL('/metrics', server.url))).text()
  assert.match(metrics, /^room_server_mixers 1$/m)
  assert.match(metrics, /^room_server_mix_receivers 1$/m)
  assert.match(metrics, /^medialoom_mixers\{effort="full"\} 1$/m)
  assert.match(metrics, /^medialoom_mixer_ports 2$/m)

  // What is encrypted end to end cannot be mixed.
  ada.send({ type: 'media', audio: true, video: true, encrypted: true, streams: [] })
  await grace.next('updated', ({ participant }) => participant.encrypted)
  assert.deepEqual(server.rooms.get('loom').participants[0].muted, { audio: true, video: true })
})

test('broadcast: listeners are a number to the others, decide nothing, and may go on stage', async () => {
  const ada = await join('Ada', { mode: 'broadcast' })
  const grace = await join('Grace', { role: 'listener' })
  assert.deepEqual([grace.welcome.role, grace.welcome.source, grace.welcome.listeners], ['listener', 'mix', 1])
  const linus = await join('Linus', { role: 'listener' })
  assert.deepEqual(
    linus.welcome.participants.map(each => each.name),
    ['Ada', 'Linus']
  )
  assert.equal((await ada.next('audience', ({ listeners }) => listeners === 2)).listeners, 2)
  assert.deepEqual(await ada.seen('joined'), [])

  for (const message of [
    { type: 'set-mode', mode: 'sfu' },
    { type: 'set-layout', layout: 'pip' }
  ]) {
    grace.send(message)
    const { code, request } = await grace.next('error')
    assert.deepEqual([code, request], ['not-allowed', message.type])
  }
  grace.send({ type: 'set-role', role: 'member' })
  assert.deepEqual(await grace.next('role'), { type: 'role', role: 'member' })
  assert.equal((await grace.next('source')).source, 'streams')
  const { participant } = await ada.next('joined')
  assert.deepEqual([participant.name, participant.role], ['Grace', 'member'])
  grace.send({ type: 'set-role', role: 'listener' })
  assert.deepEqual(await ada.next('left'), { type: 'left', participant: grace.welcome.participant, reason: 'listens' })
  ada.send({ type: 'set-mode', mode: 'p2p' })
  assert.equal((await ada.next('error')).code, 'wrong-mode')
})

test('a client whose WebSocket broke finds its place again, until it has been away too long', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  const { session, participant } = grace.welcome
  grace.close()
  await grace.closed
  const back = await join('Grace', { session })
  assert.equal(back.welcome.resumed, true)
  assert.equal(back.welcome.participant, participant)
  assert.deepEqual(await ada.seen('left'), [], 'the others noticed nothing')

  const second = await join('Grace', { session })
  assert.equal((await back.next('bye')).code, 'replaced')
  second.close()
  assert.equal((await ada.next('left')).reason, 'timeout')
  const late = await join('Grace', { session })
  assert.equal(late.welcome.resumed, false)
  assert.notEqual(late.welcome.participant, participant)
})

test('what a client gets wrong is said to it, and everything else goes on', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  const wrong = [
    ['{"type":', 'bad-json'],
    ['[]', 'bad-message'],
    ['null', 'bad-message'],
    ['"join"', 'bad-message'],
    [{ type: 'unheard-of' }, 'bad-message'],
    [{ type: 'constructor' }, 'bad-message'],
    [Buffer.from([1, 2, 3]), 'bad-message'],
    [{ type: 'join', room: 'loom', name: 'Ada' }, 'already-joined'],
    [{ type: 'media', audio: 'yes', video: true, streams: [] }, 'bad-message'],
    [{ type: 'media', audio: true, video: true, streams: Array(9).fill({ id: 'a', source: 'camera' }) }, 'bad-message'],
    [{ type: 'set-mode', mode: 'mesh' }, 'bad-message'],
    [{ type: 'set-role', role: 'viewer' }, 'bad-message'],
    [{ type: 'set-role', role: 'listener' }, 'wrong-mode'],
    [{ type: 'set-source', source: 'both' }, 'bad-message'],
    [{ type: 'set-layout', layout: 'circle' }, 'bad-message'],
    [{ type: 'offer', connection: 1, id: 1, sdp: 'x'.repeat(LIMITS.maxSdpLength + 1) }, 'bad-message'],
    [{ type: 'offer', connection: -1, id: 1, sdp: 'x' }, 'bad-message'],
    [{ type: 'select-encoding', stream: 'none', encoding: 'h' }, 'unknown-stream'],
    [{ type: 'view', streams: [{ id: 'a', width: -1, height: 180 }] }, 'bad-message'],
    [{ type: 'view', streams: [{ id: 'a', width: 320.5, height: 180 }] }, 'bad-message'],
    [{ type: 'view', streams: [{ id: 'a', width: 320, height: 180, priority: 0 }] }, 'bad-message'],
    [{ type: 'view', streams: Array(401).fill({ id: 'a', width: 320, height: 180 }) }, 'bad-message'],
    [{ type: 'limit-downlink', bitrate: 1000 }, 'bad-message'],
    [{ type: 'limit-downlink', bitrate: '1000000' }, 'bad-message'],
    [{ type: 'limit-downlink' }, 'bad-message'],
    [{ type: 'watch-figures', streams: 'all' }, 'bad-message'],
    [{ type: 'watch-figures', streams: Array(401).fill('a') }, 'bad-message'],
    [{ type: 'reset' }, 'wrong-mode'],
    [JSON.stringify({ type: 'media', padding: 'x'.repeat(LIMITS.maxMessageSize) }), 'too-large']
  ]
  for (const [message, code] of wrong) {
    ada.send(message)
    const error = await ada.next('error')
    assert.equal(error.code, code, JSON.stringify(message).slice(0, 80))
    assert.ok(error.message.length > 5 && error.message.length < 300)
  }
  assert.deepEqual(await grace.seen('error'), [])
  assert.deepEqual(await grace.seen('left'), [])
  ada.send({ type: 'signal', epoch: 0, to: grace.welcome.participant, description: { type: 'offer', sdp: 'v=0' } })
  await grace.next('signal')
})

test('joining is checked: names, full rooms, and messages before it', async () => {
  const client = await stranger()
  const refusals = [
    [{ type: 'leave' }, 'not-joined'],
    [{ type: 'join', room: '../etc', name: 'Ada' }, 'bad-message'],
    [{ type: 'join', room: 'loom', name: '\u0007' }, 'bad-message'],
    [{ type: 'join', room: 'loom', name: 'x'.repeat(65) }, 'bad-message'],
    [{ type: 'join', room: 'loom' }, 'bad-message']
  ]
  for (const [message, code] of refusals) {
    client.send(message)
    assert.equal((await client.next('error')).code, code)
  }
  for (const name of ['Ada', 'Grace', 'Linus', 'Alan']) await join(name)
  client.send({ type: 'join', room: 'loom', name: 'Edsger' })
  assert.equal((await client.next('error')).code, 'room-full')
  client.send({ type: 'join', room: 'weft', name: 'Edsger', mode: 'p2p' })
  await client.next('welcome')
})

test('a client that floods is told, then cut, and the others do not notice', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  for (let count = 0; count < 50; count += 1) ada.send({ type: 'ping' })
  assert.equal((await ada.next('error')).code, 'rate-limited')
  for (let count = 0; count < 100; count += 1) ada.send({ type: 'ping' })
  assert.equal(await ada.closed, 1008)
  await grace.seen('pong')
})

test('a frame beyond all limits closes the WebSocket, and only that', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  ada.send('x'.repeat(LIMITS.maxMessageSize * 2 + 1))
  assert.equal(await ada.closed, 1009)
  await grace.seen('pong')
})

test('a client that does not join is shown out', async () => {
  const client = await stranger()
  assert.equal((await client.next('bye')).code, 'join-timeout')
  assert.equal(await client.closed, 1008)
})

test('a client that does not answer heartbeats is cut, and leaves when it stays away', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace', {}, { autoPong: false })]
  assert.equal(await grace.closed, 1006)
  assert.equal((await ada.next('left')).reason, 'timeout')
})

test('a thousand rooms, and not one more', async () => {
  // A hundred clients at a time, so that none waits for long.
  for (let first = 0; first < LIMITS.maxRooms; first += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => join('Ada', { room: `room-${first + index}` })))
  }
  assert.equal((await json('/api/rooms')).rooms.length, 1000)
  const refused = await stranger()
  refused.send({ type: 'join', room: 'one-more', name: 'Grace' })
  assert.equal((await refused.next('error')).code, 'too-many-rooms')
  refused.send({ type: 'join', room: 'room-500', name: 'Grace' })
  assert.equal((await refused.next('welcome')).participants.length, 2)
})

test('health, metrics and the rooms can be asked for', async () => {
  await join('Ada')
  assert.deepEqual(await json('/healthz'), { status: 'ok' })
  const metrics = await fetch(new URL('/metrics', server.url))
  assert.match(metrics.headers.get('Content-Type'), /^text\/plain/)
  const text = await metrics.text()
  assert.match(text, /^room_server_rooms\{mode="p2p"\} 1$/m)
  assert.match(text, /^room_server_participants\{role="member"\} 1$/m)
  assert.match(text, /^medialoom_packets_received_total\{thread="0"\} \d+$/m)

  const [listed] = (await json('/api/rooms')).rooms
  assert.deepEqual([listed.name, listed.mode, listed.participants], ['loom', 'p2p', 1])
  const room = await json('/api/rooms/loom')
  assert.deepEqual(
    room.participants.map(each => [each.name, each.role, each.speaking]),
    [['Ada', 'member', false]]
  )

  for (const path of ['/api/rooms/none', '/nothing', '/css/../../limits.js']) {
    const missing = await fetch(new URL(path, server.url))
    assert.equal(missing.status, 404)
    assert.match(missing.headers.get('Content-Type'), /^application\/problem\+json/)
  }
  const page = await fetch(new URL('/r/loom', server.url))
  assert.match(await page.text(), /<title>medialoom/)
  assert.match(page.headers.get('Content-Security-Policy'), /default-src 'none'/)
})
