'use strict'

/** Prometheus' figures of the room server, and the dashboard that shows them. */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { SignalingClient } = require('./signaling-client.js')
const dashboard = require('../../examples/room-server/grafana.json')

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
const clients = []

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    open: true,
    limits: { connectionBurst: 1000, joinBurst: 1000, maxRoomsPerAddress: 1000 }
  })
})
after(() => {
  for (const client of clients) client.close()
  return server.close()
})

const metrics = async () => (await fetch(new URL('/metrics', server.url))).text()

test('what only grows is a counter, under one figure for each thread', async () => {
  for (let asked = 0; asked < 2; asked++) {
    const text = await metrics()
    assert.match(text, /^# TYPE medialoom_packets_received_total counter$/m)
    assert.match(text, /^medialoom_packets_received_total\{thread="0"\} \d+$/m)
    assert.match(text, /^# TYPE medialoom_thread_load gauge$/m)
    assert.doesNotMatch(text, /^# TYPE (?:medialoom|room_server)\S*_total gauge/m)
    for (const [, name] of text.matchAll(/^# TYPE (\S+) counter$/gm)) assert.match(name, /_total$/)
  }
})

test('the largest rooms have figures of their own, and names that clients make up are no more than those', async () => {
  const join = async room => clients.push(await SignalingClient.joined(server.url, { room, name: 'Ada', mode: 'p2p' }))
  for (let room = 0; room < 120; room++) await join(`room-${room}`)
  await Promise.all([join('room-119'), join('room-119')])
  const text = await metrics()
  const series = [...text.matchAll(/^room_server_room_participants\{room="(.*)"\} (\d+)$/gm)]
  assert.equal(series.length, 101)
  assert.deepEqual(series.find(([, room]) => room === 'room-119')?.[2], '3')
  assert.deepEqual(series.find(([, room]) => room === '(others)')?.[2], '20')
  for (const room of [...server.rooms]) room.close()
  assert.doesNotMatch(await metrics(), /^room_server_room_participants\{/m)
})

test('the dashboard asks for nothing that is not measured', async () => {
  const text = await metrics()
  const measured = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  const expressions = dashboard.panels.flatMap(panel => panel.targets.map(target => target.expr))
  assert.ok(expressions.length > 10)
  for (const expression of expressions) {
    const [name] = /(?:room_server|medialoom|nodejs)_\w+/.exec(expression) ?? []
    assert.ok(name && measured.has(name), expression)
    if (name.endsWith('_total')) assert.match(expression, /rate\(|increase\(/, 'a counter is shown by what it grows')
  }
})
