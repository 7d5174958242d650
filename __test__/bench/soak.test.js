'use strict'

/** The soak itself, for a minute, and that it fails when something leaks. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { LEAKS } = require('../../bench/soak/leaks.js')
const { options } = require('../../bench/soak/options.js')
const { soak } = require('../../bench/soak/run.js')
const { theilSen } = require('../../bench/soak/slope.js')
const { LEAST_CYCLES, judge, table } = require('../../bench/soak/verdict.js')

const LINUX = { skip: process.platform !== 'linux' && 'the clients need Linux' }
const MIB = 2 ** 20
/** Short cycles, of which as few are played as are judged. */
const SHORT = { minutes: 0.01, seconds: 1, size: 4, leaks: [] }

/** Samples of an hour, a minute apart and 30 joins, with one measure as a function of the minute. */
function hour(measure, of) {
  const steady = { rss: 100 * MIB, jsHeap: 8 * MIB, external: MIB, descriptors: 30, threads: 9, timers: 0, handles: 3, objects: 1, open: 0 }
  return Array.from({ length: 60 }, (_, minute) => ({ at: minute * 60_000, joins: 30 * minute, ...steady, [measure]: of(minute) }))
}

const course = { joins: 1800, failures: [], restless: [] }
const faults = (measure, of) => judge(hour(measure, of), course).faults

test('the slope is that of the line, whatever single points do', () => {
  const points = Array.from({ length: 40 }, (_, x) => ({ x, y: x % 10 === 3 ? 1e6 : 5 + 2 * x }))
  const { slope, low, high } = theilSen(points)
  assert.ok(Math.abs(slope - 2) < 0.01, `${slope}`)
  assert.ok(low <= slope && slope <= high)
})

test('of too few points nothing is known', () => {
  assert.equal(
    theilSen([
      { x: 0, y: 0 },
      { x: 1, y: 1 }
    ]).low,
    -Infinity
  )
  assert.match(judge(hour('rss', () => 0).slice(0, LEAST_CYCLES - 1), course).faults[0], /say nothing/)
})

test('what grows without an end fails, by its name', () => {
  assert.deepEqual(
    faults('rss', minute => 100 * MIB + minute * MIB),
    ['resident memory grows']
  )
  assert.deepEqual(
    faults('descriptors', minute => 30 + Math.floor(minute / 8)),
    ['descriptors grows']
  )
  assert.deepEqual(
    faults('objects', minute => 1 + minute),
    ['objects with events grows']
  )
})

test('what swings, steps once or fills a cache holds', () => {
  assert.deepEqual(
    faults('rss', minute => (100 + 30 * (minute % 2)) * MIB),
    []
  )
  assert.deepEqual(
    faults('threads', minute => (minute < 20 ? 9 : 11)),
    []
  )
  assert.deepEqual(
    faults('jsHeap', minute => (8 + Math.min(minute, 10)) * MIB),
    []
  )
})

test('a soak in which nobody joins, or many cannot, fails', () => {
  const quiet = hour('rss', () => 100 * MIB)
  assert.deepEqual(judge(quiet, { ...course, joins: 0 }).faults, ['nobody joined'])
  assert.match(
    judge(quiet, { ...course, failures: Array(200).fill('no answer') }).faults[0],
    /200 of 1800 joins failed, the first: no answer/
  )
})

test('an option that makes no sense is refused', () => {
  assert.throws(() => options(['--minutes', 'long']), /--minutes takes a number/)
  assert.throws(() => options(['--act', 'dancing']), /no act dancing/)
  assert.throws(() => options(['--leak', 'money']), /no leak money/)
})

test('each leak is found', { ...LINUX, timeout: 240_000 }, async () => {
  // Transports that stay keep each cycle from coming to rest, which takes long.
  const leaks = Object.keys(LEAKS).filter(name => name !== 'transports')
  const { faults, rows } = await soak({ ...SHORT, acts: ['bridges'], leaks })
  for (const what of ['resident memory', 'JavaScript heap', 'descriptors', 'timers', 'objects with events']) {
    assert.ok(faults.includes(`${what} grows`), `${what}: ${faults}\n${table(rows)}`)
  }
})

test('nothing grows while peers of all kinds come and go', { ...LINUX, timeout: 300_000 }, async t => {
  const { acts } = options([])
  const { faults, rows, joins, failures, minutes } = await soak({ ...SHORT, acts })
  t.diagnostic(`${joins} joins in ${minutes.toFixed(1)} minutes, ${failures.length} failed\n${table(rows)}`)
  assert.deepEqual(faults, [])
  assert.ok(joins > 50, `${joins} joins`)
})
