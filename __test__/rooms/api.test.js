'use strict'

/** The room server's API for admins, and `medialoom ctl`, which is a client of it. */

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { after, afterEach, before, test } = require('node:test')
const { promisify } = require('node:util')
const { KeyRing, createToken, verifyToken } = require('medialoom/auth')
const { playerOffer, publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

const CLI = path.join(__dirname, '../../scripts/cli.js')
const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'room-server', secret: SECRET })

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
let clients = []
let admin = ''

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    keys: [{ id: 'room-server', secret: SECRET }]
  })
  admin = await createToken(keys, { video: { room: 'loom', roomAdmin: true } })
})
after(() => server.close())
afterEach(() => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

async function join(name, identity) {
  const token = await createToken(keys, { ...(identity && { identity }), name, video: { room: 'loom', roomJoin: true } })
  const client = await SignalingClient.joined(server.url, { room: 'loom', name, token })
  clients.push(client)
  return client
}

/** @param {string} method @param {string} path @param {object} [body] */
async function ask(method, path, body, token = admin) {
  const response = await fetch(new URL(`/api/rooms/loom${path}`, server.url), {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) })
  })
  return { status: response.status, answer: response.status === 204 ? null : await response.json() }
}

/** Runs `medialoom ctl`. @param {string[]} args @param {Record<string, string>} [env] */
async function ctl(args, env = { MEDIALOOM_URL: server.url, MEDIALOOM_SECRET: SECRET }) {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'ctl', ...args], { env: { PATH: process.env.PATH ?? '', ...env } })
    return { code: 0, said: stdout.trim() }
  } catch (error) {
    return { code: error.code, said: error.stderr.trim() }
  }
}

/** What it said, where it has to work. @param {string[]} args */
async function done(args) {
  const { code, said } = await ctl(args)
  assert.equal(code, 0, `ctl ${args.join(' ')}: ${said}`)
  return said
}

test('somebody is muted, for everyone and by kind, and may speak again', async () => {
  const ada = await join('Ada', 'ada')
  const { participant: id, connection } = ada.welcome
  ada.send({ type: 'offer', connection, id: 1, sdp: publisherOffer('cam') })
  await ada.next('answer')
  const { status, answer } = await ask('PATCH', `/participants/${id}`, { muted: { audio: true } })
  assert.equal(status, 200)
  assert.deepEqual(answer.moderated, { audio: true, video: false, screen: false })
  assert.deepEqual((await ada.next('updated')).participant.moderated, answer.moderated)
  assert.equal((await ask('PATCH', `/participants/${id}`, { muted: { audio: false } })).answer.moderated.audio, false)
})

test('permissions, metadata and attributes are changed while somebody is connected', async () => {
  const ada = await join('Ada')
  const change = { permissions: { canPublish: false }, metadata: 'seat 4', attributes: { seat: '4' } }
  const { answer } = await ask('PATCH', `/participants/${ada.welcome.participant}`, change)
  assert.equal(answer.permissions.canPublish, false)
  assert.equal(answer.permissions.canSubscribe, true, 'what was not said stays')
  assert.deepEqual([answer.metadata, answer.attributes], ['seat 4', { seat: '4' }])
  assert.equal((await ada.next('permissions')).permissions.canPublish, false)
})

test('somebody is taken out with a word, and one with an identity is kept out', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace', 'grace')]
  assert.deepEqual((await ask('DELETE', `/participants/${ada.welcome.participant}`, { reason: 'too loud' })).answer, { banned: false })
  const bye = await ada.next('bye')
  assert.deepEqual([bye.code, bye.message], ['kicked', 'too loud'])
  assert.deepEqual((await ask('DELETE', `/participants/${grace.welcome.participant}`, { ban: true })).answer, { banned: true })
  assert.equal((await grace.next('bye')).code, 'banned')
  // The room went with the last of them.
  await join('Linus')
  const again = await join('Grace', 'grace')
  await ask('DELETE', `/participants/${again.welcome.participant}`, { ban: true })
  await assert.rejects(join('Grace', 'grace'), /banned/)
  const token = await createToken(keys, { identity: 'grace', video: { room: 'loom', roomJoin: true } })
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' }
  for (const path of ['/whip/loom', '/whep/loom']) {
    assert.equal((await fetch(new URL(path, server.url), { method: 'POST', body: publisherOffer('cam'), headers })).status, 403, path)
  }
  assert.equal((await ask('DELETE', '/bans/grace')).status, 204)
  assert.equal((await ask('DELETE', '/bans/grace')).status, 404)
  await join('Grace', 'grace')
})

test('a player of somebody who is banned ends, and who has no identity is known again by their address', async () => {
  await join('Linus', 'linus')
  const ada = await join('Ada', 'ada')
  const own = await createToken(keys, { identity: 'ada', video: { room: 'loom', roomJoin: true } })
  const headers = { Authorization: `Bearer ${own}`, 'Content-Type': 'application/sdp' }
  const playing = await fetch(new URL('/whep/loom', server.url), { method: 'POST', body: playerOffer(1), headers })
  assert.equal(playing.status, 201)
  await ask('DELETE', `/participants/${ada.welcome.participant}`, { ban: true })
  assert.equal((await ada.next('bye')).code, 'banned')
  assert.equal((await fetch(new URL(playing.headers.get('Location'), server.url), { method: 'DELETE', headers })).status, 404)
  assert.deepEqual(
    server.rooms.get('loom').participants.map(({ name }) => name),
    ['Linus']
  )

  const [guest] = [await join('Guest'), await join('Neighbour')]
  assert.deepEqual((await ask('DELETE', `/participants/${guest.welcome.participant}`, { ban: true })).answer, { banned: true })
  assert.deepEqual((await ask('GET', '')).answer.banned, ['ada', 'address:127.0.0.1'])
  const token = await createToken(keys, { video: { room: 'loom', roomJoin: true } })
  const again = new SignalingClient(server.url)
  clients.push(again)
  await again.opened
  again.send({ type: 'join', room: 'loom', name: 'Guest again', token })
  assert.equal((await again.next('error')).code, 'banned')
  await join('Grace', 'grace')
  assert.equal((await ask('DELETE', `/bans/${encodeURIComponent('address:127.0.0.1')}`)).status, 204)
  await join('Guest again')
  assert.deepEqual(
    server.rooms.get('loom').participants.map(({ name }) => name),
    ['Linus', 'Neighbour', 'Grace', 'Guest again']
  )
})

test('a room is locked, given a lobby, told something and closed', async () => {
  const ada = await join('Ada')
  assert.deepEqual((({ locked, lobby }) => [locked, lobby])((await ask('PATCH', '', { locked: true, lobby: true })).answer), [true, true])
  await assert.rejects(join('Grace'), /locked/)
  await ask('PATCH', '', { locked: false })
  const token = await createToken(keys, { name: 'Grace', video: { room: 'loom', roomJoin: true } })
  const guest = new SignalingClient(server.url)
  clients.push(guest)
  await guest.opened
  guest.send({ type: 'join', room: 'loom', name: 'Grace', token })
  await guest.next('waiting')
  await ask('PATCH', '', { lobby: false })
  await guest.next('welcome')
  assert.deepEqual((await ask('POST', '/messages', { data: 'five minutes', topic: 'clock' })).answer, { receivers: 2 })
  assert.deepEqual(await ada.next('message'), { type: 'message', from: null, topic: 'clock', data: 'five minutes' })
  assert.equal((await ask('DELETE', '')).status, 204)
  assert.equal((await ada.next('bye')).code, 'room-closed')
  assert.equal((await ask('DELETE', '')).status, 404)
})

test('what cannot be done is refused with the field, and what is not there with 404', async () => {
  const ada = await join('Ada')
  const { participant: id } = ada.welcome
  for (const [method, path, body, field] of /** @type {[string, string, object, string][]} */ ([
    ['PATCH', `/participants/${id}`, { muted: { sound: true } }, 'muted'],
    ['PATCH', `/participants/${id}`, { permissions: { canPublish: 'no' } }, 'permissions.canPublish'],
    ['PATCH', `/participants/${id}`, { name: 'Eve' }, undefined],
    ['PATCH', '', { locked: 1 }, 'locked'],
    ['DELETE', `/participants/${id}`, { reason: 7 }, 'reason'],
    ['POST', '/messages', { data: 1 }, 'data']
  ])) {
    const { status, answer } = await ask(method, path, body)
    assert.deepEqual([status, answer.status, answer.field], [400, 400, field], path)
  }
  assert.equal((await ask('PATCH', '/participants/nobody', {})).status, 404)
  const other = await createToken(keys, { video: { room: 'weft', roomAdmin: true } })
  assert.equal((await ask('DELETE', `/participants/${id}`, {}, other)).status, 403)
  assert.equal(server.rooms.get('loom').participants.length, 1)
})

test('ctl shows rooms and participants, mutes, locks and takes out', async () => {
  const ada = await join('Ada', 'ada@example.org')
  await join('Grace')
  assert.match(await done(['rooms']), /^loom +sfu +2 in it$/)
  assert.match(await done(['participants', 'loom']), new RegExp(`^${ada.welcome.participant} +Ada +member +ada@example.org`))
  assert.equal(JSON.parse(await done(['participants', 'loom', '--json'])).length, 2)
  assert.equal(await done(['mute', 'loom', 'Ada', 'video']), 'video muted')
  assert.equal(server.rooms.get('loom').get(ada.welcome.participant).moderated.video, true)
  await done(['unmute', 'loom', 'ada@example.org', 'video'])
  assert.equal(server.rooms.get('loom').get(ada.welcome.participant).moderated.video, false)
  await done(['lock', 'loom'])
  assert.equal(server.rooms.get('loom').locked, true)
  await done(['kick', 'loom', ada.welcome.participant, '--reason', 'bye now'])
  assert.equal((await ada.next('bye')).message, 'bye now')
})

test('ctl keeps somebody out, shows who is, and takes it back', async () => {
  await join('Grace', 'grace')
  await join('Guest')
  assert.equal(await done(['kick', 'loom', 'Guest', '--ban']), 'taken out')
  assert.equal(await done(['bans', 'loom']), 'address:127.0.0.1')
  assert.equal(await done(['unban', 'loom', 'address:127.0.0.1']), 'may come again')
  assert.equal(await done(['bans', 'loom']), '')
})

test('ctl makes tokens: with the secret by itself, with the link of a host by the server', async () => {
  const read = async (/** @type {string} */ link) => {
    const url = new URL(link)
    assert.equal(url.pathname, '/r/loom')
    return verifyToken(keys, new URLSearchParams(url.hash.slice(1)).get('token'), { room: 'loom', grants: ['roomJoin'] })
  }
  const own = await read((await ctl(['token', 'loom', '--identity', 'ada', '--name', 'Ada', '--admin', '--expires', '60'])).said)
  assert.deepEqual([own.identity, own.name, own.video.roomAdmin, typeof own.tokenId], ['ada', 'Ada', true, 'string'])
  const link = await server.hostLink()
  const theirs = await read((await ctl(['token', 'loom', '--listen'], { MEDIALOOM_URL: link })).said)
  assert.deepEqual(
    [theirs.identity, theirs.video.canPublish, theirs.video.roomAdmin, typeof theirs.tokenId],
    [null, false, undefined, 'string']
  )
  assert.match((await ctl(['rooms', '--url', link], {})).said, /^$/)
})

test('ctl says what is wrong and ends with 1', async () => {
  assert.match((await ctl(['participants', 'loom'])).said, /^404: there is no such room/)
  assert.match((await ctl(['rooms'], { MEDIALOOM_URL: server.url })).said, /^401: a token is needed/)
  assert.match((await ctl(['rooms'], { MEDIALOOM_URL: 'http://127.0.0.1:1' })).said, /out of reach/)
  assert.match((await ctl(['participants'])).said, /ROOM is missing/)
  await Promise.all([join('Ada'), join('Ada')])
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['kick', 'loom', 'Ada'], /2 in the room are called Ada/],
    [['kick', 'loom', 'Nobody'], /Nobody is not in the room/],
    // An id may begin with a dash.
    [['kick', 'loom', '-bcdefghijkl'], /-bcdefghijkl is not in the room/],
    [['dance'], /unknown command dance/],
    [['rooms', '--what'], /what/]
  ])) {
    const result = await ctl(args)
    assert.equal(result.code, 1)
    assert.match(result.said, said)
  }
})
