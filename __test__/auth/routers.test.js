'use strict'

/** WHIP and WHEP by tokens: who is let in, as whom, and what those who are not are told. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { after, before, beforeEach, test } = require('node:test')
const express = require('express')
const { Endpoint } = require('medialoom')
const { KeyRing, createToken, tokenAuthorizer } = require('medialoom/auth')
const { whepRouter, whipRouter } = require('medialoom/express')
const { Rooms } = require('medialoom/rooms')
const { playerOffer, publisherOffer } = require('../rooms/sdp.js')

const keys = new KeyRing({ id: 'one', secret: 'a secret of more than thirty-two bytes' })
/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms
/** @type {import('node:http').Server} */
let server
let base = ''
/** @type {import('medialoom/express').SessionRouterOptions['authorize']} */
let authorize
/** @type {unknown[]} */
let faults = []

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  rooms = new Rooms({ endpoint })
  const app = express()
  const options = {
    rooms,
    authorize: (request, context) => authorize(request, context),
    cors: ['https://one.example', 'https://two.example'],
    onError: error => faults.push(error)
  }
  app.use('/whip', whipRouter(options))
  app.use('/whep', whepRouter(options))
  server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
})
beforeEach(() => {
  for (const room of [...rooms]) room.close()
  authorize = tokenAuthorizer(keys)
  faults = []
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await endpoint.close()
})

const tokenOf = (video, more = {}, options = {}) =>
  createToken(keys, { video: { room: 'loom', roomJoin: true, ...video }, ...more }, options)
const ask = (method, path, token, { body, headers = {} } = {}) =>
  fetch(base + path, {
    method,
    ...(body && { body }),
    headers: { ...(body && { 'Content-Type': 'application/sdp' }), ...(token && { Authorization: `Bearer ${token}` }), ...headers }
  })
const publish = (token, path = '/whip/loom') => ask('POST', path, token, { body: publisherOffer('cam') })

async function problem(response, status, code) {
  const details = await response.json()
  assert.deepEqual([response.status, details.status, details.code], [status, status, code])
  assert.match(response.headers.get('Content-Type'), /^application\/problem\+json/)
  return details
}

test('who comes with a token is who it says, whatever they call themselves', async () => {
  const token = await tokenOf({}, { identity: 'ada', name: 'Ada' })
  assert.equal((await publish(token, '/whip/loom?peer=Grace')).status, 201)
  assert.deepEqual(
    rooms.get('loom').participants.map(({ name }) => name),
    ['Ada']
  )
  // Whoever holds it may watch as well, and does not get their own tracks.
  assert.equal((await ask('POST', '/whep/loom', token, { body: playerOffer(1) })).status, 201)
  const [, viewer] = rooms.get('loom').participants
  assert.equal(viewer.name, 'Ada')
  assert.equal(viewer.transport.outgoingTracks[0].transponder, null)
})

test('what is wrong with a token is said in a problem document and in WWW-Authenticate, and nothing of the room is', async () => {
  await publish(await tokenOf({}))
  const unsigned = [{ alg: 'none' }, { exp: 4e9, video: { room: 'loom', roomJoin: true } }]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const forged = await createToken(new KeyRing({ id: 'one', secret: 'another secret of more than 32 bytes' }), {
    video: { room: 'loom', roomJoin: true }
  })
  /** @type {[string | null, number, string][]} */
  const bad = [
    [null, 401, 'ERR_TOKEN_MISSING'],
    ['x', 401, 'ERR_TOKEN_MALFORMED'],
    [`${unsigned}.`, 401, 'ERR_TOKEN_ALGORITHM'],
    [forged, 401, 'ERR_TOKEN_FORGED'],
    [await tokenOf({}, {}, { now: Date.now() - 1e6, expiresIn: 1 }), 401, 'ERR_TOKEN_EXPIRED'],
    [await tokenOf({ room: undefined }), 401, 'ERR_TOKEN_CLAIMS'],
    [await tokenOf({ room: 'weft' }), 403, 'ERR_TOKEN_ROOM'],
    [await tokenOf({ roomJoin: false }), 403, 'ERR_TOKEN_GRANT'],
    [await tokenOf({ canPublish: false, canSubscribe: false }), 403, 'ERR_TOKEN_GRANT']
  ]
  for (const [token, status, code] of bad) {
    for (const path of ['/whip/loom', '/whep/loom', '/whip/empty', '/whep/empty']) {
      const response = await ask('POST', path, token, { body: path.startsWith('/whip') ? publisherOffer('cam') : playerOffer(1) })
      const { detail, code: told } = await response.json()
      assert.equal(response.status, status, `${path} ${code}`)
      // A room that there is and one that there is not are answered alike.
      assert.ok(told === code || (path.endsWith('empty') && told === 'ERR_TOKEN_ROOM'), `${told} is not ${code}`)
      assert.doesNotMatch(detail, /publisher|participant|empty|loom/)
      assert.match(
        response.headers.get('WWW-Authenticate'),
        status === 403 ? /insufficient_scope/ : token ? /invalid_token/ : /^Bearer realm="medialoom"$/
      )
    }
  }
  assert.equal(rooms.get('loom').participants.length, 1)
  assert.equal(endpoint.transports.length, 1, 'nobody who was refused has a transport')
  assert.deepEqual(faults, [], 'none of it is a fault of the server')
})

test('a session with an identity is for that identity, with any token of theirs, and for room admins', async () => {
  const location = (await publish(await tokenOf({}, { identity: 'ada' }))).headers.get('Location')
  for (const other of [await tokenOf({}, { identity: 'grace' }), await tokenOf({})]) {
    await problem(await ask('DELETE', location, other), 403, 'ERR_TOKEN_GRANT')
  }
  assert.equal((await ask('DELETE', location, await tokenOf({}, { identity: 'ada', name: 'Ada' }))).status, 200)
  const again = (await publish(await tokenOf({}, { identity: 'ada' }))).headers.get('Location')
  assert.equal((await ask('DELETE', again, await tokenOf({ roomAdmin: true }))).status, 200)
})

test('a publisher with an identity comes back to its place with a token that was made anew', async () => {
  const first = await publish(await tokenOf({}, { identity: 'ada' }))
  const [ada] = rooms.get('loom').participants
  const second = await publish(await tokenOf({}, { identity: 'ada' }, { expiresIn: 99 }))
  assert.equal(second.status, 201)
  assert.deepEqual(rooms.get('loom').participants, [ada])
  assert.equal((await ask('DELETE', first.headers.get('Location'), await tokenOf({}, { identity: 'ada' }))).status, 404)
})

test('a token without roomCreate opens no room', async () => {
  const token = await tokenOf({ roomCreate: false })
  await problem(await publish(token), 403, 'ERR_TOKEN_GRANT')
  assert.equal(rooms.size, 0)
  await publish(await tokenOf({}))
  assert.equal((await publish(token, '/whip/loom?peer=Grace')).status, 201)
})

test('too much is answered with 429 and Retry-After, a fault of the application with 500', async () => {
  authorize = () => {
    throw Object.assign(new Error('slower, please'), { status: 429, retryAfter: 7 })
  }
  const response = await publish('x')
  await problem(response, 429, undefined)
  assert.equal(response.headers.get('Retry-After'), '7')
  authorize = async () => {
    throw new Error('the database is down')
  }
  const { detail } = await problem(await publish('x'), 500, 'ERR_INTERNAL')
  assert.doesNotMatch(detail, /database/)
  assert.equal(faults.length, 1)
})

test('of a list of origins the one that asks is allowed, and others are not', async () => {
  const origins = ['https://one.example', 'https://two.example', 'https://three.example', undefined]
  const told = await Promise.all(
    origins.map(async origin => {
      const { headers } = await ask('OPTIONS', '/whip/loom', null, { headers: origin ? { Origin: origin } : {} })
      assert.equal(headers.get('Vary'), 'Origin')
      return [headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Methods')]
    })
  )
  assert.deepEqual(told, [
    [origins[0], 'POST'],
    [origins[1], 'POST'],
    [null, null],
    [null, null]
  ])
})
