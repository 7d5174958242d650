'use strict'

/**
 * JavaScript sleeps while nothing happens. What it uses in a call is measured by `npm run bench`
 * (scenario `room-8`); here is what would wake it.
 */

const assert = require('node:assert/strict')
const perfHooks = require('node:perf_hooks')
const { after, before, test } = require('node:test')

/** Milliseconds of every timer that fires again and again. */
const periods = []
let room

before(async () => {
  const { monitorEventLoopDelay } = perfHooks
  const { setInterval } = globalThis
  perfHooks.monitorEventLoopDelay = options => {
    periods.push(options?.resolution ?? 10)
    return monitorEventLoopDelay(options)
  }
  globalThis.setInterval = (action, period, ...rest) => {
    periods.push(period)
    return setInterval(action, period, ...rest)
  }
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  room = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true
  })
  perfHooks.monitorEventLoopDelay = monitorEventLoopDelay
  globalThis.setInterval = setInterval
})

after(() => room?.close())

test('nothing of the room server wakes JavaScript more than once a second', () => {
  assert.ok(periods.length > 0, 'its heartbeat, at least, was seen')
  assert.ok(Math.min(...periods) >= 1000, `every ${Math.min(...periods)} ms`)
})

test('how busy the event loop is can be read without having been polled', async () => {
  const read = async () => {
    const text = await (await fetch(`${room.url}metrics`)).text()
    assert.doesNotMatch(text, /nodejs_eventloop_lag_p99_seconds/, 'what nobody measured is not told')
    assert.match(text, /^nodejs_eventloop_lag_seconds /m)
    return Number(/^nodejs_eventloop_active_seconds_total (\S+)$/m.exec(text)[1])
  }
  const first = await read()
  const until = performance.now() + 50
  while (performance.now() < until);
  assert.ok((await read()) - first >= 0.05, 'a loop that worked for 50 ms')
})
