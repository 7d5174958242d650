'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { after, before, beforeEach, test } = require('node:test')
const express = require('express')
const { Endpoint } = require('medialoom')
const { whepRouter, whipRouter } = require('medialoom/express')
const { Rooms } = require('medialoom/rooms')
const { fragment, offer, playerOffer, publisherOffer } = require('./sdp.js')

const SDP = 'application/sdp'
const FRAGMENT = 'application/trickle-ice-sdpfrag'

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms
/** @type {import('node:http').Server} */
let server
/** @type {import('express').Express} */
let app
let base = ''
/** New for each test, like the rooms. @type {Record<'whip' | 'whep', import('express').Router>} */
let routers
/** @type {((context: object) => boolean) | undefined} */
let authorize

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  app = express()
  app.use('/whip', (request, response, next) => routers.whip(request, response, next))
  app.use('/whep', (request, response, next) => routers.whep(request, response, next))
  server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${server.address().port}`
})

beforeEach(() => {
  rooms?.close()
  rooms = new Rooms({ endpoint, maxRooms: 3, maxParticipants: 5 })
  authorize = undefined
  const options = {
    rooms,
    authorize: (_request, context) => authorize?.(context) ?? true,
    iceServers: [{ urls: ['stun:stun.example.org', 'turn:turn.example.org'], username: 'u"1', credential: 'secret' }]
  }
  routers = { whip: whipRouter(options), whep: whepRouter(options) }
})

after(async () => {
  server.closeAllConnections()
  server.close()
  await endpoint.close()
})

const post = (path, body, headers = {}) => fetch(base + path, { method: 'POST', body, headers: { 'Content-Type': SDP, ...headers } })
const patch = (path, body, headers = {}) => fetch(base + path, { method: 'PATCH', body, headers: { 'Content-Type': FRAGMENT, ...headers } })

/** Asserts problem details of this status (RFC 9457). */
async function problem(response, status) {
  assert.equal(response.status, status)
  assert.match(response.headers.get('Content-Type'), /^application\/problem\+json/)
  // RFC 9725 4.3.1: it names the ICE session, and never the answer's body.
  assert.doesNotMatch(response.headers.get('ETag') ?? '', /^W\//)
  const details = await response.json()
  assert.equal(details.status, status)
  assert.ok(details.title && details.detail, 'says in words what is wrong')
  return details
}

test('publishing: 201 with answer, location, ETag and ICE servers; then it is in the room', async () => {
  const response = await post('/whip/loom?peer=Ada', publisherOffer('cam'))
  assert.equal(response.status, 201)
  assert.match(response.headers.get('Content-Type'), /^application\/sdp/)
  assert.match(response.headers.get('Location'), /^\/whip\/loom\/[\w-]{22}$/)
  assert.match(response.headers.get('ETag'), /^"[^"]+"$/)
  assert.equal(response.headers.get('Accept-Patch'), FRAGMENT)
  assert.equal(
    response.headers.get('Link'),
    ['stun:stun', 'turn:turn']
      .map(url => `<${url}.example.org>; rel="ice-server"; username="u\\"1"; credential="secret"; credential-type="password"`)
      .join(', ')
  )
  const answer = await response.text()
  assert.match(answer, /^v=0\r\n/)
  assert.match(answer, /a=recvonly/)
  assert.match(answer, /a=candidate:/)
  const [ada] = rooms.get('loom').participants
  assert.equal(ada.name, 'Ada')
  assert.equal(ada.role, 'publisher')
  assert.deepEqual(
    ada.tracks.map(track => track.kind),
    ['audio', 'video']
  )
})

test('a session ends by DELETE, and is then not found', async () => {
  const location = (await post('/whip/loom', publisherOffer('cam'))).headers.get('Location')
  const [{ transport }] = rooms.get('loom').participants
  assert.equal((await fetch(base + location, { method: 'DELETE' })).status, 200)
  assert.ok(transport.closed)
  assert.equal(rooms.size, 0)
  await problem(await fetch(base + location, { method: 'DELETE' }), 404)
  await problem(await patch(location, 'a=x', { 'If-Match': '*' }), 404)
})

test('a session vanishes when its transport closes', async () => {
  const location = (await post('/whep/loom', playerOffer(1))).headers.get('Location')
  await rooms.get('loom').participants[0].transport.close()
  await problem(await fetch(base + location, { method: 'DELETE' }), 404)
  assert.equal(rooms.size, 0)
})

test('a session is found under its own room only', async () => {
  const location = (await post('/whip/loom', publisherOffer('cam'))).headers.get('Location')
  await problem(await fetch(base + location.replace('/loom/', '/weft/'), { method: 'DELETE' }), 404)
  assert.equal(rooms.size, 1)
})

test('trickle: 204 with the right ETag, 428 without, 412 with an old one', async () => {
  const sdp = publisherOffer('cam')
  const created = await post('/whip/loom', sdp)
  const location = created.headers.get('Location')
  const etag = created.headers.get('ETag')
  const trickle = fragment(sdp, { candidates: ['candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host', 'end-of-candidates'] })

  const taken = await patch(location, trickle, { 'If-Match': etag })
  assert.equal(taken.status, 204)
  assert.equal(await taken.text(), '')
  await problem(await patch(location, trickle), 428)
  const refused = await patch(location, trickle, { 'If-Match': '"another"' })
  assert.equal(refused.headers.get('ETag'), etag, 'the current one, to go on with')
  await problem(refused, 412)
})

test('ICE restart: 200 with a new fragment and a new ETag; the old one is over', async () => {
  const sdp = publisherOffer('cam')
  const created = await post('/whip/loom', sdp)
  const location = created.headers.get('Location')
  const oldUfrag = /a=ice-ufrag:(\S+)/.exec(await created.text())[1]

  const restarted = await patch(location, fragment(sdp, { restart: true }), { 'If-Match': '*' })
  assert.equal(restarted.status, 200)
  assert.match(restarted.headers.get('Content-Type'), /^application\/trickle-ice-sdpfrag/)
  const etag = restarted.headers.get('ETag')
  assert.notEqual(etag, created.headers.get('ETag'))
  const ufrag = /a=ice-ufrag:(\S+)/.exec(await restarted.text())?.[1]
  assert.ok(ufrag && ufrag !== oldUfrag, 'new credentials')

  await problem(await patch(location, fragment(sdp), { 'If-Match': created.headers.get('ETag') }), 412)
})

test('a fragment that cannot be read is refused and the session goes on', async () => {
  const sdp = publisherOffer('cam')
  const created = await post('/whip/loom', sdp)
  const location = created.headers.get('Location')
  const etag = created.headers.get('ETag')
  for (const body of ['', 'nonsense', 'a=candidate:x', fragment(sdp, { candidates: ['candidate:nonsense'] })]) {
    const response = await patch(location, body, { 'If-Match': etag })
    await problem(response, 400)
  }
  assert.equal((await patch(location, fragment(sdp), { 'If-Match': etag })).status, 204)
})

test('methods that are kept for later are refused, with those there are', async () => {
  const location = (await post('/whip/loom', publisherOffer('cam'))).headers.get('Location')
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    const response = await fetch(`${base}/whip/loom`, { method })
    assert.equal(response.headers.get('Allow'), 'OPTIONS, POST')
    await problem(response, 405)
  }
  for (const method of ['GET', 'PUT', 'POST']) {
    const response = await fetch(base + location, { method })
    assert.equal(response.headers.get('Allow'), 'OPTIONS, PATCH, DELETE')
    await problem(response, 405)
  }
  assert.equal((await fetch(`${base}/whip/loom`, { method: 'HEAD' })).status, 405)
  assert.equal((await fetch(base + location, { method: 'HEAD' })).status, 405)
})

test('OPTIONS tell what may be posted and patched, to pages of other sites as well', async () => {
  const endpointOptions = await fetch(`${base}/whep/loom`, { method: 'OPTIONS' })
  assert.equal(endpointOptions.status, 204)
  assert.equal(endpointOptions.headers.get('Accept-Post'), SDP)
  assert.equal(endpointOptions.headers.get('Access-Control-Allow-Origin'), '*')
  assert.equal(endpointOptions.headers.get('Access-Control-Allow-Methods'), 'POST')
  assert.match(endpointOptions.headers.get('Access-Control-Allow-Headers'), /Authorization.*If-Match/)
  const sessionOptions = await fetch(`${base}/whep/loom/some-session`, { method: 'OPTIONS' })
  assert.equal(sessionOptions.headers.get('Accept-Patch'), FRAGMENT)
  assert.equal(sessionOptions.headers.get('Access-Control-Allow-Methods'), 'PATCH, DELETE')
  const created = await post('/whep/loom', playerOffer(1))
  assert.match(created.headers.get('Access-Control-Expose-Headers'), /Location, ETag, Link/)
})

test('requests that cannot be served are refused, each with its status', async () => {
  const good = publisherOffer('cam')
  await problem(await post('/whip/loom', good, { 'Content-Type': 'text/plain' }), 415)
  await problem(await post('/whip/loom', good, { Accept: 'application/json' }), 406)
  await problem(await post('/whip/loom', good + 'a=x\r\n'.repeat(20_000)), 413)
  await problem(await post('/whip/loom', ''), 400)
  await problem(await post('/whip/loom?peer=a&peer=b', good), 400)
  await problem(await post('/whip/%2e%2e%2f', good), 400)
  await problem(await post(`/whip/${'x'.repeat(65)}`, good), 400)
  await problem(await post('/whip/%ff', good), 400)
  assert.equal((await problem(await post('/whip/loom', 'this is no SDP'), 400)).code, 'ERR_SDP')
  await problem(await post('/whip/loom', offer([{ kind: 'audio', direction: 'recvonly' }])), 422)
  assert.equal(rooms.size, 0)
  assert.equal(endpoint.transports.length, 0, 'a refused request leaves no transport behind')
})

test('full rooms, and too many of them, are refused for now', async () => {
  for (const room of ['a', 'b', 'c']) assert.equal((await post(`/whip/${room}`, publisherOffer('cam'))).status, 201)
  const refused = await post('/whip/d', publisherOffer('cam'))
  assert.ok(Number(refused.headers.get('Retry-After')) > 0)
  assert.equal((await problem(refused, 503)).code, 'ERR_ROOM_LIMIT')
  for (let viewers = 0; viewers < 4; viewers += 1) assert.equal((await post('/whep/a', playerOffer(1))).status, 201)
  assert.equal((await problem(await post('/whep/a', playerOffer(1)), 503)).code, 'ERR_PARTICIPANT_LIMIT')
  assert.equal(endpoint.transports.length, 7)
})

test('a room in mode p2p is a conflict', async () => {
  rooms.join('loom', { name: 'Ada', mode: 'p2p' })
  await problem(await post('/whip/loom', publisherOffer('cam')), 409)
  await problem(await post('/whep/loom', playerOffer(1)), 409)
})

test('authorization sees who wants what, and decides about every request of a session', async () => {
  const seen = []
  authorize = context => {
    seen.push(context)
    return context.token === 'good'
  }
  const bearer = token => ({ Authorization: `Bearer ${token}` })
  const challenged = await post('/whep/loom?peer=Ada', playerOffer(1))
  assert.equal(challenged.headers.get('WWW-Authenticate'), 'Bearer')
  await problem(challenged, 401)
  await problem(await post('/whep/loom', playerOffer(1), bearer('bad')), 403)
  const created = await post('/whep/loom', playerOffer(1), bearer('good'))
  assert.equal(created.status, 201)
  const session = base + created.headers.get('Location')
  await problem(await fetch(session, { method: 'DELETE' }), 401)
  assert.equal((await fetch(session, { method: 'DELETE', headers: bearer('good') })).status, 200)
  assert.deepEqual(seen[0], { action: 'play', room: 'loom', peer: 'Ada', token: null })
})

test('a player gets as many participants as it has m-lines, but not the one of its own name', async () => {
  for (const name of ['Ada', 'Grace', 'Linus']) await post(`/whip/loom?peer=${name}`, publisherOffer(name))
  const answer = await (await post('/whep/loom?peer=Ada', playerOffer(2))).text()
  assert.equal(answer.match(/^a=sendonly/gm).length, 4)
  const player = rooms.get('loom').participants[3]
  const sources = player.transport.outgoingTracks.map(track => [
    track.mid,
    track.kind,
    rooms.get('loom').participants.find(each => each.tracks.includes(track.transponder?.incomingTrack))?.name
  ])
  assert.deepEqual(sources.sort(), [
    ['0', 'audio', 'Grace'],
    ['1', 'video', 'Grace'],
    ['2', 'audio', 'Linus'],
    ['3', 'video', 'Linus']
  ])
})

test('a player may come first: its m-lines wait for whoever comes', async () => {
  assert.equal((await post('/whep/loom', playerOffer(1))).status, 201)
  const [player] = rooms.get('loom').participants
  assert.deepEqual(
    player.transport.outgoingTracks.map(track => track.transponder),
    [null, null]
  )
  const publisher = await post('/whip/loom', publisherOffer('cam'))
  assert.equal(player.transport.outgoingTracks.filter(track => track.transponder).length, 2)
  await fetch(base + publisher.headers.get('Location'), { method: 'DELETE' })
  assert.equal(player.transport.outgoingTracks.filter(track => track.transponder && !track.transponder.closed).length, 0)
})

test('a publisher that was killed and comes back under its name is where it was, and its old session is over', async () => {
  const bearer = token => ({ Authorization: `Bearer ${token}` })
  assert.equal((await post('/whep/loom', playerOffer(1))).status, 201)
  const room = rooms.get('loom')
  const [player] = room.participants
  const first = await post('/whip/loom?peer=Ada', publisherOffer('cam'), bearer('ada'))
  await post('/whip/loom?peer=Grace', publisherOffer('cam'))
  const [, ada, grace] = room.participants
  const { transport } = ada
  const closed = once(transport, 'closed')
  const seen = () => player.transport.outgoingTracks.map(track => track.transponder?.incomingTrack)
  assert.deepEqual(seen(), ada.tracks)
  const events = []
  for (const name of ['joined', 'left']) room.on(name, ({ name: who }) => events.push(`${who} ${name}`))

  const again = await post('/whip/loom?peer=Ada', publisherOffer('cam'), bearer('ada'))
  assert.equal(again.status, 201)
  assert.deepEqual(await closed, ['closed'])
  assert.deepEqual(room.participants, [player, ada, grace], 'nobody came and nobody left')
  assert.deepEqual(events, [])
  assert.notEqual(ada.transport, transport)
  assert.deepEqual(
    ada.tracks.map(track => track.closed),
    [false, false]
  )
  assert.deepEqual(seen(), ada.tracks, 'on the place that it had, though another one waits for it')
  await problem(await fetch(base + first.headers.get('Location'), { method: 'DELETE' }), 404)
  assert.equal((await fetch(base + again.headers.get('Location'), { method: 'DELETE', headers: bearer('ada') })).status, 200)
  assert.deepEqual(seen(), grace.tracks)
})

test('nobody takes a place over with another token, with a name of somebody who did not publish, or without a name', async () => {
  const bearer = token => ({ Authorization: `Bearer ${token}` })
  rooms.join('loom', { name: 'Ada' })
  await post('/whip/loom?peer=Ada', publisherOffer('cam'), bearer('one'))
  await post('/whip/loom?peer=Ada', publisherOffer('cam'), bearer('two'))
  await post('/whip/loom', publisherOffer('cam'))
  await post('/whip/loom', publisherOffer('cam'))
  const { participants } = rooms.get('loom')
  assert.deepEqual(
    participants.map(({ name }) => name),
    ['Ada', 'Ada', 'Ada', 'publisher', 'publisher']
  )
  assert.ok(participants.slice(1).every(({ transport }) => !transport.closed))
})

test('a publisher that comes back finds its place in a full room', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await post(`/whip/loom?peer=${name}`, publisherOffer('cam'))
  assert.equal((await post('/whip/loom?peer=c', publisherOffer('cam'))).status, 201)
  await problem(await post('/whip/loom?peer=f', publisherOffer('cam')), 503)
  // With a space that names do not count.
  assert.equal((await post('/whip/loom?peer=c%20', publisherOffer('cam'))).status, 201)
})

test('Location has the base URL that was given', async () => {
  const bases = {
    '/media': '/media',
    '/media/': '/media',
    '': '',
    'https://example.org': 'https://example.org',
    'https://example.org/a/b/': 'https://example.org/a/b'
  }
  for (const [baseUrl, expected] of Object.entries(bases)) {
    routers.whip = whipRouter({ rooms, baseUrl })
    const response = await post('/whip/loom', publisherOffer('cam'), { 'X-Forwarded-Prefix': '/other' })
    assert.match(response.headers.get('Location'), new RegExp(`^${expected}/whip/loom/[\\w-]{22}$`))
    rooms.close()
    rooms = new Rooms({ endpoint })
  }
  for (const baseUrl of ['media', 'ftp://example.org', '//example.org', 'https://example.org?a', 5, '/a b']) {
    assert.throws(() => whipRouter({ rooms, baseUrl }), TypeError)
  }
})

test('Location has the prefix of a proxy, if Express trusts that', async t => {
  const location = async prefix => {
    const { headers } = await post('/whip/loom?peer=Ada', publisherOffer('cam'), { 'X-Forwarded-Prefix': prefix })
    return headers.get('Location').replace(/[\w-]{22}$/, '')
  }
  assert.equal(await location('/media'), '/whip/loom/', 'anybody may say so')
  app.set('trust proxy', 'loopback')
  t.after(() => app.set('trust proxy', false))
  assert.equal(await location('/media'), '/media/whip/loom/')
  assert.equal(await location('/outer/, /inner'), '/outer/whip/loom/')
  for (const wrong of ['//evil.example', 'https://evil.example', 'media', '/a"b', `/${'x'.repeat(300)}`]) {
    assert.equal(await location(wrong), '/whip/loom/', wrong)
  }
})

test('a router works under a server of Node without an app around it', async t => {
  const router = whipRouter({ rooms, cors: ['https://player.example'] })
  const plain = http.createServer((request, response) => {
    response.setHeader('Vary', 'Accept')
    router(request, response, () => response.end())
  })
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.after(() => plain.close())
  const url = `http://127.0.0.1:${plain.address().port}/loom?peer=Ada`
  const created = await fetch(url, {
    method: 'POST',
    body: publisherOffer('cam'),
    headers: { 'Content-Type': SDP, 'X-Forwarded-Prefix': '/media', Origin: 'https://player.example' }
  })
  assert.equal(created.status, 201)
  assert.match(created.headers.get('Location'), /^\/loom\/[\w-]{22}$/)
  assert.deepEqual(
    [created.headers.get('Vary'), created.headers.get('Access-Control-Allow-Origin')],
    ['Accept, Origin', 'https://player.example']
  )
  await problem(await fetch(url, { method: 'POST', body: 'x'.repeat(100_000), headers: { 'Content-Type': SDP } }), 413)
  await problem(await fetch(url), 405)
})

test('a player with an offer for video alone gets video alone', async () => {
  await post('/whip/loom', publisherOffer('cam'))
  assert.equal((await post('/whep/loom', offer([{ kind: 'video', direction: 'recvonly' }]))).status, 201)
  const player = rooms.get('loom').participants[1]
  assert.deepEqual(
    player.transport.outgoingTracks.map(track => track.transponder?.incomingTrack.kind),
    ['video']
  )
})

test('offers written with indents, blank lines and other line ends are the same offers', async () => {
  const written = [
    sdp => sdp.replace(/^/gm, '    '),
    sdp => sdp.replaceAll('\r\n', '\n\n'),
    sdp => sdp.replaceAll('\r\n', '\r'),
    sdp => `\uFEFF${sdp.replace(/^m=(\w+) 9 /gm, 'm=$1  9  ')}`
  ]
  for (const [n, write] of written.entries()) {
    const sdp = publisherOffer('cam')
    const created = await post(`/whip/loom?peer=Ada-${n}`, write(sdp))
    assert.equal(created.status, 201)
    const headers = { 'If-Match': created.headers.get('ETag') }
    assert.equal((await patch(created.headers.get('Location'), write(fragment(sdp)), headers)).status, 204)
    assert.equal((await post('/whep/loom', write(playerOffer(1)))).status, 201)
    const [publisher, player] = rooms.get('loom').participants
    assert.equal(player.transport.outgoingTracks.filter(track => track.transponder).length, 2)
    publisher.leave()
    player.leave()
  }
})

test('a player takes the mix by ?source=mix, or by the mode of the room, unless it asks for the tracks', async () => {
  await post('/whip/loom?peer=Ada', publisherOffer('cam'))
  const room = rooms.get('loom')
  const open = []
  for (const query of ['?source=mix', '', '?source=streams&peer=Grace']) {
    assert.equal((await post(`/whep/loom${query}`, playerOffer(1))).status, 201)
    open.push(room.participants.at(-1))
  }
  const sources = () => open.map(({ source }) => source)
  assert.deepEqual(sources(), ['mix', 'streams', 'streams'])
  if (!room.mixer) await once(room, 'mixer')
  const [audio, video] = open[0].transport.outgoingTracks.map(track => track.transponder.incomingTrack)
  assert.deepEqual([audio, video], [room.mixer.audio, room.mixer.video])
  room.setMode('mcu')
  assert.deepEqual(sources(), ['mix', 'mix', 'streams'])

  const { field } = await problem(await post('/whep/loom?source=both', playerOffer(1)), 400)
  assert.equal(field, 'source')
  await problem(await post('/whep/loom?source=mix&source=mix', playerOffer(1)), 400)
  rooms.close()
  rooms = new Rooms({ endpoint, mixer: false })
  routers.whep = whepRouter({ rooms })
  assert.equal((await problem(await post('/whep/loom?source=mix', playerOffer(1)), 409)).code, 'ERR_ROOM_MODE')
})
