'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { shapesOf } = require('../../bench/floor.js')
const { median, medians } = require('../../bench/median.js')
const { options } = require('../../bench/options.js')
const { compareThreads } = require('../../bench/own.js')
const { plot } = require('../../bench/plot.js')
const { plots } = require('../../bench/plots.js')
const { SCENARIOS, DEFAULT } = require('../../bench/scenarios.js')
const { callsPerPacket, table } = require('../../bench/table.js')

/** What a scenario came to, as far as the reports need it. */
function result(overrides) {
  const distribution = { count: 2, p50: 1000, p95: 2000, p99: 3000, max: 4000 }
  return {
    name: 'a room',
    plot: 'one publisher',
    subscribers: 10,
    streamsPerSubscriber: 2,
    forwardedPerSecond: 2000,
    serverLoad: 0.05,
    carriedPerSecond: 100_000,
    cpu: 3,
    cpuUser: 2,
    cpuSystem: 1,
    floor: 1.5,
    calls: { receive: 0.1, send: 0.2, wait: 0.1, wake: 0 },
    allocations: null,
    loadOfClients: 0.1,
    delivered: 1,
    latency: distribution,
    rss: 2 ** 26,
    rssPerSubscriber: 50 * 1024,
    cpuPerPeerSecond: 100,
    join: {
      connected: distribution,
      media: distribution,
      video: { ...distribution, count: 0 },
      keyframe: { ...distribution, count: 0 },
      firstSeconds: { ...distribution, count: 0 },
      perSecond: 20
    },
    ...overrides
  }
}

test('every scenario has clients that receive only from clients that send', () => {
  for (const [name, make] of Object.entries(SCENARIOS)) {
    const { clients } = make()
    for (const { hears = [], sees = [] } of clients) {
      assert.ok(
        hears.every(source => clients[source].audio),
        name
      )
      assert.ok(
        sees.every(source => clients[source].video),
        name
      )
    }
  }
})

test('what runs by default exists', () => {
  assert.ok(DEFAULT.every(name => Object.hasOwn(SCENARIOS, name)))
})

test('the floor is measured with the bursts of the camera and the single packets of the microphone', () => {
  const [audio, video] = shapesOf(SCENARIOS['fan-out-10']())
  assert.deepEqual(audio, { burst: 1, payload: 80, packetsPerSecond: 50 })
  assert.deepEqual(video, { burst: 6, payload: 1041, packetsPerSecond: 180 })
})

test('a room where nobody sends has no floor', () => {
  assert.deepEqual(shapesOf(SCENARIOS['silent-1000']()), [])
})

test('the median of an even number of values is between the two in the middle', () => {
  assert.equal(median([4, 1, 10, 2]), 3)
})

test('rounds become one result with the median of each figure, absent ones left out', () => {
  const rounds = [
    { name: 'a', cpu: 3, latency: { p50: null } },
    { name: 'a', cpu: 1, latency: { p50: null } },
    { name: 'a', cpu: 2, latency: { p50: null } }
  ]
  assert.deepEqual(medians(rounds), { name: 'a', cpu: 2, latency: { p50: null } })
})

test('the plot has a point for each measurement', () => {
  const svg = plot({
    title: 'A < B',
    x: 'x',
    y: 'y',
    lines: [
      {
        name: 'one',
        points: [
          [1, 80],
          [10, 20],
          [100, 10]
        ]
      }
    ]
  })
  assert.equal(svg.match(/<circle /g).length, 3)
  assert.match(svg, /A &lt; B/)
})

test('the tables have a line for each result, and nothing where nothing was measured', () => {
  const text = table([result(), result({ name: 'idle', cpu: null, cpuUser: null, cpuSystem: null, floor: null })])
  assert.equal(text.match(/^\| a room /gm).length, 3)
  assert.match(text, /^\| a room +\| +2000 \| +5\.00 % \| +3\.00 \| +2\.00 \| +1\.00 \| +1\.50 \| +2\.0x \| +0\.400 \| +\|/m)
  assert.ok(!text.includes('NaN') && !text.includes('null'))
})

test('system calls of a packet are those of every kind together', () => {
  assert.equal(callsPerPacket({ calls: { receive: 1, send: 2, wait: 3, wake: 4 } }), 10)
  assert.equal(callsPerPacket({ calls: { receive: null, send: null, wait: null, wake: null } }), null)
})

test('plots are drawn over subscribers and over streams, where there are points enough', () => {
  const fanOuts = [1, 10].map(subscribers => result({ subscribers }))
  assert.deepEqual(Object.keys(plots(fanOuts)), ['cost-by-subscribers.svg'])
  const meetings = [6, 14].map(streamsPerSubscriber => result({ plot: 'meetings', streamsPerSubscriber }))
  const audio = result({ plot: 'audio rooms', streamsPerSubscriber: 29 })
  const drawn = plots([fanOuts[0], ...meetings, audio])
  assert.deepEqual(Object.keys(drawn), ['cost-by-streams.svg'])
  assert.equal(drawn['cost-by-streams.svg'].match(/<circle /g).length, 6)
})

test('two threads are compared with one by their busiest', () => {
  const one = result({ id: 'one-thread-100', name: 'one', carriedPerSecond: 50_000 })
  const two = result({ id: 'two-threads-100', name: 'two', carriedPerSecond: 95_000 })
  assert.equal(compareThreads([one, two]).at(-1), 'two media threads carry 1.90x what one does')
  assert.deepEqual(compareThreads([two]), [])
})

test('options that make no sense are refused with what would', () => {
  assert.deepEqual(options(['--all']).own.scenarios, Object.keys(SCENARIOS))
  assert.deepEqual(options([]).own.scenarios, DEFAULT)
  assert.equal(options(['--quick']).own.rounds, 1)
  assert.throws(() => options(['--scenario', 'fan-in']), /no scenario fan-in; there are fan-out-1,/)
  assert.throws(() => options(['--rounds', '0']), /--rounds takes a whole number, at least 1/)
  assert.throws(() => options(['--viewers', '3']), /--viewers needs --whip or --whep/)
  assert.throws(() => options(['--whip', 'http://localhost/', '--threads', '2']), /--threads does not go with --whip or --whep/)
  assert.throws(() => options(['--whip', 'localhost']), /--whip takes an http or https URL/)
  assert.match(options(['--help']).help, /--whep URL/)
})
