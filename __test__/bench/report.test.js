'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { shapesOf } = require('../../bench/floor.js')
const { median, medians } = require('../../bench/median.js')
const { plot } = require('../../bench/plot.js')
const { SCENARIOS, DEFAULT } = require('../../bench/scenarios.js')

test('every scenario has clients that receive only from clients that send', () => {
  for (const [name, make] of Object.entries(SCENARIOS)) {
    const { clients } = make()
    for (const { hears = [], sees = [] } of clients) {
      assert.ok(hears.every(source => clients[source].audio), name)
      assert.ok(sees.every(source => clients[source].video), name)
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
  const svg = plot({ title: 'A < B', x: 'x', y: 'y', lines: [{ name: 'one', points: [[1, 80], [10, 20], [100, 10]] }] })
  assert.equal(svg.match(/<circle /g).length, 3)
  assert.match(svg, /A &lt; B/)
})
