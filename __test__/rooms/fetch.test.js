'use strict'

/** WHIP and WHEP by handlers of the web: a request in, a response out, whatever the server is. */

const assert = require('node:assert/strict')
const { after, before, beforeEach, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { KeyRing, createToken, tokenAuthorizer } = require('medialoom/auth')
const { whepHandler, whipHandler } = require('medialoom/fetch')
const { Rooms } = require('medialoom/rooms')
const { fragment, playerOffer, publisherOffer } = require('./sdp.js')

const SDP = 'application/sdp'
const FRAGMENT = 'application/trickle-ice-sdpfrag'
const SITE = 'https://rooms.example'

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms
/** @type {import('medialoom/fetch').SessionHandler} */
let whip

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
})
beforeEach(() => {
  rooms?.close()
  rooms = new Rooms({ endpoint })
  whip = whipHandler({ rooms, path: '/api/whip' })
})
after(() => endpoint.close())

const request = (method, path, { body, type = SDP, ...headers } = {}) =>
  new Request(SITE + path, {
    method,
    ...(body !== undefined && { body, duplex: 'half' }),
    headers: { ...(body !== undefined && { 'Content-Type': type }), ...headers }
  })
const post = (path, body, headers = {}) => request('POST', path, { body, ...headers })

async function problem(response, status) {
  assert.equal(response.status, status)
  assert.equal(response.headers.get('Content-Type'), 'application/problem+json')
  const details = await response.json()
  assert.equal(details.status, status)
  return details
}

test('a session is opened, trickled to, restarted and ended', async () => {
  const sdp = publisherOffer('cam')
  const created = await whip(post('/api/whip/loom?peer=Ada', sdp))
  assert.equal(created.status, 201)
  assert.equal(created.headers.get('Content-Type'), SDP)
  assert.match(await created.text(), /^v=0\r\n/)
  const [ada] = rooms.get('loom').participants
  assert.deepEqual([ada.name, ada.role, ada.tracks.length], ['Ada', 'publisher', 2])

  const location = created.headers.get('Location')
  assert.match(location, /^\/api\/whip\/loom\/[\w-]{22}$/)
  const patch = (body, etag) => whip(request('PATCH', location, { body, type: FRAGMENT, 'If-Match': etag }))
  assert.equal((await patch(fragment(sdp), created.headers.get('ETag'))).status, 204)
  const restarted = await patch(fragment(sdp, { restart: true }), '*')
  assert.deepEqual([restarted.status, restarted.headers.get('Content-Type')], [200, FRAGMENT])
  await problem(await patch(fragment(sdp), created.headers.get('ETag')), 412)
  assert.equal((await whip(request('DELETE', location))).status, 200)
  assert.equal(rooms.size, 0)
  await problem(await whip(request('DELETE', location)), 404)
})

test('a player plays by whepHandler, with names that need an encoding', async () => {
  await whip(post('/api/whip/caf%C3%A9', publisherOffer('cam')))
  const whep = whepHandler({ rooms, iceServers: [{ urls: 'stun:stun.example' }], baseUrl: '/media' })
  const created = await whep(post('/whep/caf%C3%A9', playerOffer(1)))
  assert.equal(created.status, 201)
  assert.match(created.headers.get('Location'), /^\/media\/whep\/caf%C3%A9\/[\w-]{22}$/)
  assert.equal(created.headers.get('Link'), '<stun:stun.example>; rel="ice-server"')
  const player = rooms.get('café').participants[1]
  assert.equal(player.transport.outgoingTracks.filter(track => track.transponder).length, 2)
})

test('what cannot be served is refused with its status, and read no further than it may be', async () => {
  const good = publisherOffer('cam')
  for (const path of ['/api/whip', '/api/whip/', '/api/whip/loom/one/more', '/elsewhere/loom'])
    await problem(await whip(post(path, good)), 404)
  await problem(await whip(post('/api/whip/%ff', good)), 400)
  await problem(await whip(post('/api/whip/loom?peer=a&peer=b', good)), 400)
  await problem(await whip(post('/api/whip/loom', good, { type: 'text/plain' })), 415)
  await problem(await whip(post('/api/whip/loom', good, { 'Content-Encoding': 'gzip' })), 415)
  await problem(await whip(post('/api/whip/loom', good, { Accept: 'application/json' })), 406)
  await problem(await whip(post('/api/whip/loom', '')), 400)
  assert.equal((await problem(await whip(post('/api/whip/loom', 'this is no SDP')), 400)).code, 'ERR_SDP')
  assert.equal((await whip(request('GET', '/api/whip/loom'))).headers.get('Allow'), 'OPTIONS, POST')
  let read = 0
  const endless = new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(((read += 1024), 1024))) })
  await problem(await whip(post('/api/whip/loom', endless)), 413)
  assert.ok(read < 80 * 1024, `${read} bytes were read`)
  assert.deepEqual([rooms.size, endpoint.transports.length], [0, 0])
  assert.throws(() => whipHandler({ rooms, path: 'whip' }), TypeError)
})

test('the types that a client takes are read as RFC 9110 has them', async () => {
  for (const [accept, status] of [
    ['*/*', 201],
    ['text/html, application/*;q=0.5', 201],
    ['application/sdp;q=0, */*', 406],
    ['text/html', 406]
  ]) {
    assert.equal((await whip(post('/api/whip/loom', publisherOffer('cam'), { Accept: accept }))).status, status, accept)
  }
})

test('authorize decides by the request and by tokens, and a fault of it is told to nobody but the application', async () => {
  const keys = new KeyRing({ id: 'one', secret: 'a secret of more than thirty-two bytes' })
  const guarded = whipHandler({ rooms, authorize: tokenAuthorizer(keys) })
  const missing = await guarded(post('/whip/loom', publisherOffer('cam')))
  assert.match(missing.headers.get('WWW-Authenticate'), /^Bearer/)
  assert.equal((await problem(missing, 401)).code, 'ERR_TOKEN_MISSING')
  const token = await createToken(keys, { identity: 'ada', name: 'Ada', video: { room: 'loom', roomJoin: true } })
  assert.equal((await guarded(post('/whip/loom', publisherOffer('cam'), { Authorization: `Bearer ${token}` }))).status, 201)
  assert.equal(rooms.get('loom').byIdentity('ada').name, 'Ada')

  const faults = []
  const seen = []
  const faulty = whipHandler({
    rooms,
    onError: error => faults.push(error.message),
    authorize: (asked, context) => {
      seen.push([asked.headers.get('X-Mark'), context.room])
      throw new Error('the database is away')
    }
  })
  const details = await problem(await faulty(post('/whip/loom', publisherOffer('cam'), { 'X-Mark': 'yes' })), 500)
  assert.doesNotMatch(details.detail, /database/)
  assert.deepEqual([faults, seen], [['the database is away'], [['yes', 'loom']]])
})

test('pages of other sites are told whether they may ask', async () => {
  const listed = whipHandler({ rooms, cors: ['https://friend.example'] })
  const origins = async origin => {
    const { status, headers } = await listed(request('OPTIONS', '/whip/loom', { Origin: origin }))
    return [status, headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Methods'), headers.get('Vary')]
  }
  assert.deepEqual(await origins('https://friend.example'), [204, 'https://friend.example', 'POST', 'Origin'])
  assert.deepEqual(await origins('https://other.example'), [204, null, null, 'Origin'])
})
