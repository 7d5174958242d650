'use strict'

/**
 * The load tester against the WHIP and WHEP of the room server, over sockets of this machine. The
 * first run compiles its clients.
 */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { after, before, test } = require('node:test')
const { buildLoad } = require('../../bench/build.js')
const { clientsOf, measureRemote, urlOf } = require('../../bench/remote.js')

const LINUX = { skip: process.platform !== 'linux' && 'the clients need Linux' }
const SETTINGS = { publishers: 1, viewers: 2, kilobits: 500, seconds: 2, patience: 15 }

let program, room

before(async () => {
  if (LINUX.skip) return
  program = buildLoad()
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  room = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true
  })
})

after(() => room?.close())

const url = path => `http://127.0.0.1:${room.port}${path}`

test('what is published by WHIP comes to those who watch by WHEP', LINUX, async () => {
  const { results, text } = await measureRemote(program, { ...SETTINGS, whip: url('/whip/stage'), whep: url('/whep/stage') })
  const [result] = results
  assert.deepEqual(result.failures, [])
  assert.equal(result.joined, 3)
  // A machine that is busy with other tests may lose a few.
  assert.ok(result.delivered > 0.9, text)
  assert.ok(result.latency.count > 0 && result.latency.p50 > 0, text)
  assert.ok(result.join.video.count === 2 && result.kilobitsPerViewer > 300, text)
  assert.match(text, /delivered/)
  assert.equal(room.rooms.size, 0, 'every session was ended')
})

test('streams of others are watched too, without knowing when they were sent', LINUX, async () => {
  const publishing = measureRemote(program, { ...SETTINGS, viewers: 0, seconds: 5, whip: url('/whip/alien') })
  while (!room.rooms.get('alien')) await new Promise(resolve => setTimeout(resolve, 50))
  const { results } = await measureRemote(program, { ...SETTINGS, publishers: 0, whep: url('/whep/alien') })
  assert.equal(results[0].delivered, null)
  assert.ok(results[0].packetsPerSecond > 50 && results[0].lost < 0.1)
  assert.equal((await publishing).results[0].joined, 1)
})

test('a server that refuses is quoted', LINUX, async t => {
  const server = http.createServer((_request, response) => response.writeHead(403).end('not you'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const settings = { ...SETTINGS, viewers: 0, whip: `http://127.0.0.1:${server.address().port}/` }
  await assert.rejects(measureRemote(program, settings), /answered 403: not you/)
})

test('each viewer watches one of the publishers, and none but them', () => {
  const settings = { publishers: 2, viewers: 3, kilobits: 500, whip: 'http://a/{n}', whep: 'http://b/{n}' }
  assert.deepEqual(
    [0, 1, 2, 3, 4].map(client => urlOf(settings, client)),
    ['http://a/0', 'http://a/1', 'http://b/0', 'http://b/1', 'http://b/0']
  )
  assert.deepEqual(
    clientsOf(settings)
      .slice(2)
      .map(client => client.sees),
    [[0], [1], [0]]
  )
  assert.deepEqual(clientsOf({ ...settings, publishers: 0, kilobits: 0 })[0], { strange_audio: 1, strange_video: 0 })
})
