'use strict'

/** The room server as it is started without a word: who is let in, and what those who are not find out. */

const assert = require('node:assert/strict')
const { createHmac } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')
const { after, afterEach, before, test } = require('node:test')
const { KeyRing, createToken } = require('medialoom/auth')
const { playerOffer, publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'test', secret: SECRET })

/** @typedef {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} Server */
/** @type {Server} */
let server
/** @type {SignalingClient[]} */
let clients = []

/** @param {Partial<import('../../examples/room-server/config.js').Config>} config */
async function start(config) {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  return startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    keys: [{ id: 'test', secret: SECRET }],
    ...config
  })
}

before(async () => {
  server = await start({ origins: ['https://friend.example'], trustProxy: 1 })
})
after(() => server.close())
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

const tokenOf = (video = {}, more = {}, options = {}) =>
  createToken(keys, { video: { room: 'loom', roomJoin: true, ...video }, ...more }, options)
async function connect(options = {}, to = server) {
  const client = new SignalingClient(to.url, options)
  clients.push(client)
  await client.opened
  return client
}
async function join(token, { room = 'loom', name = 'Ada', ...more } = {}, options = {}) {
  const client = await connect(options)
  client.send({ type: 'join', room, name, ...(token && { token }), ...more })
  return client
}
const ask = (path, token, { headers = {}, ...options } = {}, to = server) =>
  fetch(new URL(path, to.url), { ...options, headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers } })
const post = (path, token, body) =>
  ask(path, token, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })

/** The status of a WebSocket that was not opened, and what was said. */
async function refusedUpgrade(options, to = server) {
  const client = new SignalingClient(to.url, options)
  clients.push(client)
  client.opened.catch(() => {})
  const [, response] = await once(client.socket, 'unexpected-response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, details: JSON.parse(text) }
}

test('a token lets its holder in, as who it says', async () => {
  const ada = await join(await tokenOf({}, { name: 'Ada Lovelace' }), { name: 'The host' })
  const { participants } = await ada.next('welcome')
  assert.deepEqual(
    participants.map(({ name }) => name),
    ['Ada Lovelace']
  )
  const grace = await join(await tokenOf(), { name: 'Grace' })
  assert.equal((await grace.next('welcome')).participants[1].name, 'Grace')
})

test('what is wrong with a token is said, nothing of the room is, and a better one may be tried', async () => {
  await (await join(await tokenOf())).next('welcome')
  const unsigned = [{ alg: 'none' }, { exp: 4e9, video: { room: 'loom', roomJoin: true } }]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const [head, body] = (await tokenOf()).split('.')
  const forged = `${head}.${body}.${createHmac('sha256', 'guessed').update(`${head}.${body}`).digest('base64url')}`
  /** @type {[string | null, string, string][]} */
  const bad = [
    [null, 'unauthorized', 'ERR_TOKEN_MISSING'],
    ['no token', 'unauthorized', 'ERR_TOKEN_MALFORMED'],
    [`${unsigned}.`, 'unauthorized', 'ERR_TOKEN_ALGORITHM'],
    [forged, 'unauthorized', 'ERR_TOKEN_FORGED'],
    [await tokenOf({}, {}, { now: Date.now() - 1e6, expiresIn: 1 }), 'unauthorized', 'ERR_TOKEN_EXPIRED'],
    [await tokenOf({ room: undefined }), 'unauthorized', 'ERR_TOKEN_CLAIMS'],
    [await tokenOf({ room: 'weft' }), 'forbidden', 'ERR_TOKEN_ROOM'],
    [await tokenOf({ roomJoin: false }), 'forbidden', 'ERR_TOKEN_GRANT']
  ]
  const stranger = await connect()
  for (const [token, code, reason] of bad) {
    stranger.send({ type: 'join', room: 'loom', name: 'Mallory', ...(token && { token }) })
    const error = await stranger.next('error')
    assert.deepEqual([error.code, error.reason, error.request], [code, reason, 'join'])
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'reason', 'request', 'type'])
    assert.doesNotMatch(error.message, /Ada|loom|participant/)
  }
  stranger.send({ type: 'join', room: 'loom', name: 'Grace', token: await tokenOf() })
  assert.equal((await stranger.next('welcome')).participants.length, 2)
})

test('a token without roomCreate opens no room', async () => {
  const token = await tokenOf({ roomCreate: false })
  const early = await join(token)
  assert.deepEqual(await early.next('error').then(({ code, reason }) => [code, reason]), ['forbidden', 'ERR_TOKEN_GRANT'])
  await (await join(await tokenOf())).next('welcome')
  early.send({ type: 'join', room: 'loom', name: 'Grace', token })
  await early.next('welcome')
})

test('what comes while a token is looked at waits, and is not lost', async () => {
  const client = await connect()
  client.send({ type: 'join', room: 'loom', name: 'Ada', token: await tokenOf() })
  client.send({ type: 'media', audio: true, video: false, streams: [] })
  client.send({ type: 'ping' })
  await client.next('welcome')
  await client.next('pong')
  assert.deepEqual(await client.seen('error'), [])
  const [ada] = server.rooms.get('loom').participants
  assert.deepEqual(ada.muted, { audio: false, video: true })
})

test('who was told goodbye while a token was looked at does not come in', async () => {
  const quick = await start({ limits: { joinTimeout: 2000 } })
  const authorize = quick.entrance.enter
  let looked = () => {}
  /** @type {Promise<unknown>[]} */
  const answers = []
  quick.entrance.enter = async (...wish) => {
    await new Promise(resolve => (looked = () => resolve(undefined)))
    const answer = authorize(...wish)
    answers.push(answer)
    return answer
  }
  try {
    const late = await connect({}, quick)
    late.send({ type: 'join', room: 'loom', name: 'Late', token: await tokenOf() })
    assert.equal((await late.next('bye')).code, 'join-timeout')
    looked()
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(answers.length, 1)
    await answers[0]
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(quick.rooms.size, 0)
  } finally {
    await quick.close()
  }
})

test('a page of another site opens no WebSocket and is answered nothing', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    server.url.replace('127.0.0.1', 'localhost').slice(0, -1),
    `${server.url}`.replace(/:\d+\/$/, '')
  ]) {
    const { status, details } = await refusedUpgrade({ origin })
    assert.deepEqual([status, details.code], [403, 'forbidden-origin'], origin)
    for (const path of ['/api/rooms', '/metrics', '/whip/loom', '/whep/loom']) {
      const response = await ask(path, await tokenOf({ roomList: true }), { headers: { Origin: origin } })
      assert.equal(response.status, 403)
      assert.equal(response.headers.get('Access-Control-Allow-Origin'), null)
      assert.equal((await response.json()).code, 'forbidden-origin')
    }
    for (const path of ['/whip/loom/session', '/whep/loom/session']) {
      assert.equal((await ask(path, await tokenOf(), { method: 'DELETE', headers: { Origin: origin } })).status, 403)
    }
  }
  for (const origin of [undefined, server.url.slice(0, -1), 'https://friend.example']) {
    const friend = await join(await tokenOf(), {}, origin ? { origin } : {})
    await friend.next('welcome')
  }
  const response = await ask('/whip/loom', null, { method: 'OPTIONS', headers: { Origin: 'https://friend.example' } })
  assert.equal(response.headers.get('Access-Control-Allow-Origin'), 'https://friend.example')
})

test('metrics and rooms are for those who may see them', async () => {
  await (await join(await tokenOf())).next('welcome')
  const outsider = await tokenOf({ room: 'weft', roomAdmin: true })
  for (const path of ['/metrics', '/api/rooms', '/api/rooms/loom', '/api/rooms/none']) {
    assert.equal((await ask(path)).status, 401)
    assert.equal((await ask(path)).headers.get('WWW-Authenticate'), 'Bearer realm="medialoom"')
    assert.equal((await ask(path, outsider)).status, 403, path)
    assert.equal((await ask(path, await tokenOf())).status, 403, path)
  }
  const observer = await tokenOf({ room: undefined, roomList: true })
  assert.match(await (await ask('/metrics', observer)).text(), /room_server_rooms/)
  assert.equal((await (await ask('/api/rooms', observer)).json()).rooms[0].name, 'loom')
  const admin = await tokenOf({ roomAdmin: true })
  assert.equal((await (await ask('/api/rooms/loom', admin)).json()).participants.length, 1)
  assert.deepEqual(await (await ask('/healthz')).json(), { status: 'ok' })
})

test('WHIP and WHEP go by the same tokens', async () => {
  const headers = { 'Content-Type': 'application/sdp' }
  const whip = token => ask('/whip/loom', token, { method: 'POST', body: publisherOffer('cam'), headers })
  const whep = token => ask('/whep/loom', token, { method: 'POST', body: playerOffer(1), headers })
  assert.deepEqual([(await whip(null)).status, (await whep(null)).status], [401, 401])
  const listener = await tokenOf({ canPublish: false })
  assert.deepEqual([(await whip(listener)).status, (await whep(listener)).status], [403, 201])
  assert.equal((await whip(await tokenOf())).status, 201)
  assert.equal(server.entrance.addresses.of('127.0.0.1').rooms, 1, 'the room is counted to whoever made it')
})

test('a guest decides nothing about the room, and one who may only listen does not go on stage', async () => {
  await (await join(await tokenOf({ roomAdmin: true }))).next('welcome')
  const guest = await join(await tokenOf({ canPublish: false }), { role: 'listener' })
  const { permissions } = await guest.next('welcome')
  assert.deepEqual([permissions.roomAdmin, permissions.canPublish], [false, false])
  for (const request of [
    { type: 'set-role', role: 'member' },
    { type: 'moderate', action: 'lock' }
  ]) {
    guest.send(request)
    assert.equal((await guest.next('error')).code, 'forbidden')
  }
  const member = await join(await tokenOf())
  await member.next('welcome')
  for (const request of [
    { type: 'set-mode', mode: 'p2p' },
    { type: 'set-layout', layout: 'speaker' },
    { type: 'moderate', action: 'kick', participant: 'x' }
  ]) {
    member.send(request)
    assert.equal((await member.next('error')).code, 'forbidden', request.type)
  }
})

test("a room's host hands out links, for their room and for no longer than their own", async () => {
  const host = await tokenOf({ roomAdmin: true }, {}, { expiresIn: 600 })
  const made = await post('/api/rooms/loom/tokens', host, { name: 'Grace', canPublish: false, roomCreate: false })
  assert.equal(made.status, 201)
  assert.equal(made.headers.get('Cache-Control'), 'no-store')
  const { token, url, expiresAt } = await made.json()
  assert.equal(url, `${server.url}r/loom#token=${token}`)
  const left = Date.parse(expiresAt) - Date.now()
  assert.ok(left > 580_000 && left <= 600_000, `${left} ms`)
  await (await join(host)).next('welcome')
  const grace = await join(token)
  assert.equal((await grace.next('welcome')).participants[1].name, 'Grace')
  assert.equal((await post('/api/rooms/loom/tokens', token, {})).status, 403, 'a guest hands out nothing')
  assert.equal((await post('/api/rooms/weft/tokens', host, {})).status, 403)
  assert.equal((await post('/api/rooms/loom/tokens', null, {})).status, 401)
  for (const wrong of [{ room: '*' }, { roomList: true }, { expiresIn: 0 }, { canPublish: 1 }, []]) {
    assert.equal((await post('/api/rooms/loom/tokens', host, wrong)).status, 400, JSON.stringify(wrong))
  }
  assert.equal(
    (
      await ask('/api/rooms/loom/tokens', host, {
        method: 'POST',
        body: 'x'.repeat(40_000),
        headers: { 'Content-Type': 'application/json' }
      })
    ).status,
    413
  )
})

test("the host's link opens every room, and only this server's", async () => {
  const own = await start({ keys: undefined })
  const other = await start({ keys: undefined })
  try {
    const link = new URL(await own.hostLink())
    const token = new URLSearchParams(link.hash.slice(1)).get('token')
    for (const room of ['loom', 'weft']) {
      const host = await connect({}, own)
      host.send({ type: 'join', room, name: 'Host', token })
      await host.next('welcome')
    }
    assert.equal((await ask('/api/rooms', token, {}, own)).status, 200)
    assert.equal((await ask('/api/rooms', token, {}, other)).status, 401)
  } finally {
    await own.close()
    await other.close()
  }
})

test('before joining a message is short and shallow, and a stranger says little in all', async () => {
  const stranger = await connect()
  const refusal = async message => {
    stranger.send(message)
    return (await stranger.next('error')).code
  }
  assert.equal(await refusal(`{"type":"join","room":"${'x'.repeat(4096)}"}`), 'too-large')
  assert.equal(await refusal('['.repeat(1000)), 'bad-message')
  assert.equal(await refusal(JSON.stringify({ type: 'join', room: [[]], name: 'x' })), 'bad-message')
  assert.equal(await refusal(JSON.stringify({ type: 'view', streams: Array(70).fill(1) })), 'bad-message')
  for (let sent = 0; sent < 100; sent++) stranger.send('x'.repeat(4000))
  await stranger.closed
  // The frame of 1 MB is not waited for.
  const raw = net.connect(server.port, '127.0.0.1')
  raw.write(
    'GET /signaling HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  )
  await once(raw, 'data')
  raw.on('error', () => {})
  raw.write(Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]), Buffer.alloc(100_000)]))
  await once(raw, 'close')
})

test('one address has its limits, and others are not touched by it', async () => {
  const limits = {
    maxConnectionsPerAddress: 3,
    joinBurst: 4,
    joinsPerSecond: 0.1,
    maxRoomsPerAddress: 1,
    requestBurst: 3,
    requestsPerSecond: 0.1,
    connectionBurst: 100
  }
  const small = await start({ limits, trustProxy: 1, open: true })
  const from = address => ({ headers: { 'X-Forwarded-For': `6.6.6.6, ${address}` } })
  try {
    const flood = [
      await connect(from('192.0.2.1'), small),
      await connect(from('192.0.2.1'), small),
      await connect(from('192.0.2.1'), small)
    ]
    const { status, headers, details } = await refusedUpgrade(from('192.0.2.1'), small)
    assert.deepEqual([status, details.status, details.code], [429, 429, 'too-many-requests'])
    assert.ok(Number(headers['retry-after']) >= 1)

    const [one, two] = flood
    one.send({ type: 'join', room: 'first', name: 'Mallory' })
    await one.next('welcome')
    two.send({ type: 'join', room: 'second', name: 'Mallory' })
    const rooms = await two.next('error')
    assert.equal(rooms.code, 'too-many-requests')
    two.send({ type: 'join', room: '!', name: '' })
    await two.next('error')
    two.send({ type: 'join', room: '!', name: '' })
    await two.next('error')
    two.send({ type: 'join', room: 'first', name: 'Mallory' })
    const joins = await two.next('error')
    assert.deepEqual([joins.code, joins.request], ['too-many-requests', 'join'])
    assert.ok(joins.retryAfter >= 1)

    const answers = []
    for (let n = 0; n < 4; n++) answers.push(await ask('/api/rooms', null, from('192.0.2.1'), small))
    assert.deepEqual(
      answers.map(answer => answer.status),
      [200, 200, 200, 429]
    )
    assert.ok(Number(answers[3].headers.get('Retry-After')) >= 1)

    const neighbour = await connect(from('192.0.2.2'), small)
    neighbour.send({ type: 'join', room: 'theirs', name: 'Grace' })
    await neighbour.next('welcome')
    assert.equal((await ask('/api/rooms', null, from('192.0.2.2'), small)).status, 200)
    // Its room is gone, and it may have another one.
    small.rooms.get('first').close()
    await one.closed
    const again = await connect(from('192.0.2.1'), small)
    assert.equal(small.entrance.addresses.of('192.0.2.1').rooms, 0)
    again.close()
  } finally {
    await small.close()
  }
})

test('addresses are told apart by what one subscriber has, and forgotten when there is nothing to remember', async () => {
  const { Addresses, network } = await import('../../examples/room-server/addresses.js')
  const { LIMITS } = await import('../../examples/room-server/limits.js')
  assert.equal(network('2001:db8:1:2:aaaa::1'), network('2001:db8:1:2:bbbb:1:2:3'))
  assert.notEqual(network('2001:db8:1:2::1'), network('2001:db8:1:3::1'))
  assert.equal(network('::1'), '0:0:0:0::/64')
  assert.equal(network('::ffff:192.0.2.1'), network('192.0.2.1'))
  let now = 0
  const addresses = new Addresses({ ...LIMITS, maxAddresses: 100 }, () => now)
  addresses.of('192.0.2.1').connections = 1
  for (let n = 0; n < 1000; n++) addresses.of(`10.0.${n >> 8}.${n & 255}`).request()
  assert.equal(addresses.size, 100)
  assert.equal(addresses.of('192.0.2.1').connections, 1, 'who has something open is kept')
  now = 60_000
  addresses.sweep()
  assert.equal(addresses.size, 1)
})

test('what a proxy says of the client counts where it is trusted, and nowhere else', async () => {
  const { Visitors } = await import('../../examples/room-server/visitor.js')
  const request = (remoteAddress, headers) => /** @type {any} */ ({ socket: { remoteAddress }, headers })
  const address = (config, remote, forwarded) =>
    new Visitors(config).addressOf(request(remote, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }))
  assert.equal(address({}, '192.0.2.1', '10.1.1.1'), '192.0.2.1')
  assert.equal(address({ trustProxy: 1 }, '127.0.0.1', '6.6.6.6, 192.0.2.1'), '192.0.2.1')
  assert.equal(address({ trustProxy: ['loopback'] }, '127.0.0.1', '192.0.2.1'), '192.0.2.1')
  assert.equal(address({ trustProxy: ['loopback'] }, '192.0.2.9', '10.1.1.1'), '192.0.2.9')
  assert.equal(address({ trustProxy: 1 }, '127.0.0.1', 'not an address'), '127.0.0.1')
  assert.equal(address({ trustProxy: 1 }, '127.0.0.1', undefined), '127.0.0.1')
  const page = (config, remote, headers) => new Visitors(config).mayAsk(request(remote, headers))
  const proxied = { host: 'inner:3000', 'x-forwarded-host': 'example.org', 'x-forwarded-proto': 'https', origin: 'https://example.org' }
  assert.equal(page({ trustProxy: 1 }, '127.0.0.1', proxied), true)
  assert.equal(page({}, '127.0.0.1', proxied), false)
  assert.equal(page({ baseUrl: 'https://example.org/media' }, '127.0.0.1', { host: 'inner', origin: 'https://example.org' }), true)
  assert.equal(page({ origins: ['*'] }, '127.0.0.1', { host: 'inner', origin: 'https://anywhere.example' }), true)
  assert.equal(page({}, '127.0.0.1', { host: 'x', origin: 'nonsense' }), false)
})

test('the policy for contents has no hole, and names the WebSocket of this server', async () => {
  const { headers } = await ask('/')
  const policy = headers.get('Content-Security-Policy')
  const directives = new Map(policy.split('; ').map(directive => [directive.split(' ')[0], directive.split(' ').slice(1)]))
  const { host } = new URL(server.url)
  assert.deepEqual(directives.get('connect-src'), ["'self'", `ws://${host}`, `wss://${host}`])
  for (const name of ['default-src', 'frame-ancestors', 'base-uri', 'form-action', 'object-src'])
    assert.deepEqual(directives.get(name), ["'none'"], name)
  assert.deepEqual(directives.get('script-src'), ["'self'"])
  assert.doesNotMatch(policy, /unsafe|\*| ws:[; ]| https:[; ]/)
  assert.equal(headers.get('X-Frame-Options'), 'DENY')
  assert.equal(headers.get('X-Content-Type-Options'), 'nosniff')
  // What a client says of the host does not get into the policy.
  const socket = net.connect(server.port, '127.0.0.1')
  socket.write("GET / HTTP/1.1\r\nHost: x; script-src 'unsafe-inline'\r\nConnection: close\r\n\r\n")
  let answer = ''
  for await (const chunk of socket) answer += chunk
  assert.match(answer, /connect-src 'self';/)
  assert.doesNotMatch(answer, /unsafe-inline/)
})

test('on a port of their own metrics and API need no token, and pages do not reach them', async () => {
  const two = await start({ admin: { port: 0, host: '127.0.0.1' } })
  try {
    const admin = { ...two, url: `http://127.0.0.1:${two.adminPort}/` }
    assert.equal((await ask('/metrics', await tokenOf({ roomList: true }), {}, two)).status, 404)
    assert.equal((await ask('/metrics', null, {}, admin)).status, 200)
    assert.deepEqual(await (await ask('/api/rooms', null, {}, admin)).json(), { rooms: [] })
    assert.equal((await ask('/metrics', null, { headers: { Origin: 'http://127.0.0.1' } }, admin)).status, 403)
    assert.equal((await ask('/', null, {}, admin)).status, 404)
    const socket = net.connect(/** @type {number} */ (two.adminPort), '127.0.0.1')
    socket.write('GET /api/rooms HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n')
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 403/)
    socket.destroy()
  } finally {
    await two.close()
  }
})
