'use strict'

/** The engine's figures through OpenTelemetry's own SDK. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { DataPointType, MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics')
const { Endpoint } = require('medialoom')
const { observe } = require('medialoom/opentelemetry')
const { Rooms } = require('medialoom/rooms')
const { publisherOffer } = require('../rooms/sdp.js')

/** One that collects when it is asked to. */
class Reader extends MetricReader {
  async onShutdown() {}
  async onForceFlush() {}

  /** Values by name, and then by attributes. */
  async read() {
    const { resourceMetrics, errors } = await this.collect()
    assert.deepEqual(errors, [])
    const metrics = resourceMetrics.scopeMetrics.flatMap(scope => scope.metrics)
    return new Map(
      metrics.map(({ descriptor, dataPointType, isMonotonic, dataPoints }) => {
        const values = new Map(dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(' '), value]))
        return [descriptor.name, { unit: descriptor.unit, counts: dataPointType === DataPointType.SUM && isMonotonic, values }]
      })
    )
  }
}

async function setUp(t, options = {}) {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2 })
  t.after(() => endpoint.close())
  const rooms = new Rooms({ endpoint })
  const reader = new Reader()
  const provider = new MeterProvider({ readers: [reader] })
  t.after(() => provider.shutdown())
  const observation = observe(provider.getMeter('medialoom'), { endpoint, rooms, ...options })
  const join = async (room, name) => {
    const transport = endpoint.createTransport()
    await transport.acceptOffer(publisherOffer(name))
    return rooms.join(room, { name, transport })
  }
  return { endpoint, rooms, reader, observation, join }
}

test('figures of threads, transports and rooms are there when a reader collects', async t => {
  const { reader, join } = await setUp(t)
  for (const [room, name] of [
    ['loom', 'Ada'],
    ['loom', 'Grace'],
    ['weft', 'Linus']
  ])
    await join(room, name)
  const metrics = await reader.read()
  const values = name => Object.fromEntries(metrics.get(name).values)
  assert.deepEqual(Object.keys(values('medialoom.network.packets')), ['0 receive', '0 transmit', '1 receive', '1 transmit'])
  const perThread = values('medialoom.thread.transports')
  assert.equal(perThread[0] + perThread[1], 3)
  const states = values('medialoom.transports')
  assert.equal(states.new + states.connecting, 3)
  assert.deepEqual(values('medialoom.rooms'), { sfu: 2, mcu: 0, broadcast: 0, p2p: 0 })
  assert.equal(values('medialoom.rooms.participants').member, 3)
  assert.deepEqual(values('medialoom.room.participants'), { loom: 2, weft: 1 })
  assert.deepEqual(Object.keys(values('medialoom.network.dropped')).slice(0, 4), [
    '0 unmatched',
    '0 socket-full',
    '0 ring-full',
    '0 over-budget'
  ])
  const { unit, counts } = metrics.get('medialoom.network.io')
  assert.deepEqual([unit, counts, metrics.get('medialoom.transports').counts], ['By', true, false])
})

test('names that clients make up are no more series than were allowed', async t => {
  const { reader, join } = await setUp(t, { largestRooms: 1, attributes: { host: 'a' } })
  await join('small', 'Ada')
  for (const name of ['Grace', 'Linus']) await join('large', name)
  await join('another', 'Barbara')
  assert.deepEqual(Object.fromEntries((await reader.read()).get('medialoom.room.participants').values), { 'a large': 2, 'a (others)': 2 })
})

test('a closed endpoint has no figures, and one that is not observed is not asked', async t => {
  const { endpoint, reader, observation } = await setUp(t)
  let asked = 0
  const { getStats } = Object.getPrototypeOf(endpoint)
  endpoint.getStats = function () {
    asked++
    return getStats.call(this)
  }
  await reader.read()
  observation.stop()
  await reader.read()
  assert.equal(asked, 1)
  const other = await setUp(t)
  await other.endpoint.close()
  assert.deepEqual(
    [...(await other.reader.read()).values()].flatMap(({ values }) => [...values]),
    []
  )
})

test('what it is given is checked', async t => {
  const { endpoint } = await setUp(t)
  const meter = new MeterProvider().getMeter('medialoom')
  for (const [given, options] of [
    [{}, { endpoint }],
    [meter, {}],
    [meter, { endpoint, rooms: {} }],
    [meter, { endpoint, largestRooms: -1 }]
  ]) {
    assert.throws(() => observe(given, options), TypeError)
  }
})

test('the document lists every instrument with its unit, and no other', async t => {
  const { reader } = await setUp(t)
  const { ENDPOINT, ROOMS } = require('../../lib/opentelemetry/instruments.js')
  const document = fs.readFileSync(path.join(__dirname, '../../docs/observability.md'), 'utf8')
  const listed = [...document.matchAll(/^\| `(medialoom\.[\w.]+)` \| ([^|]+) \|/gm)].map(([, name, unit]) => [name, unit])
  assert.deepEqual(
    listed,
    Object.entries({ ...ENDPOINT, ...ROOMS }).map(([name, { unit }]) => [name, unit])
  )
  const observed = [...(await reader.read()).keys()]
  assert.deepEqual(
    observed.filter(name => !listed.some(([each]) => each === name)),
    []
  )
})
