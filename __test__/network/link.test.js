'use strict'

const assert = require('node:assert/strict')
const dgram = require('node:dgram')
const { once } = require('node:events')
const { test } = require('node:test')
const { BadNetwork } = require('../support/bad-network.js')
const { Link } = require('../support/link.js')

/** Sends so many datagrams of 972 bytes, one each `every` milliseconds; gives the arrivals of each. */
function carry(conditions, { count = 1000, every = 5, seed = 1 } = {}) {
  const link = new Link(seed)
  link.conditions = conditions
  const arrivals = Array.from({ length: count }, (_, n) => link.carry(n * every, 972))
  return { link, arrivals }
}

test('the same seed has the same fate', () => {
  const conditions = { loss: 0.1, jitter: 30, overtaking: true, duplication: 0.05 }
  assert.deepEqual(carry(conditions).arrivals, carry(conditions).arrivals)
  assert.notDeepEqual(carry(conditions).arrivals, carry(conditions, { seed: 2 }).arrivals)
})

test('a bottleneck sends at its rate and drops what its queue cannot hold', () => {
  // 8 ms each with their headers.
  const { link, arrivals } = carry({ bitrate: 1_000_000, queue: 40, delay: 10 }, { count: 10, every: 0 })
  assert.deepEqual(arrivals.slice(0, 6).flat(), [18, 26, 34, 42, 50, 58])
  assert.deepEqual(arrivals.slice(6).flat(), [])
  assert.equal(link.counts.dropped, 4)
})

test('bursts of loss are as long and as many as was said', () => {
  const { arrivals } = carry({ bursts: { enter: 0.01, leave: 0.2, good: 0, bad: 1 } }, { count: 100_000 })
  const lost = arrivals.map(each => each.length === 0)
  const count = lost.filter(Boolean).length
  const bursts = lost.filter((now, n) => now && !lost[n - 1]).length
  assert.ok(count > 4_300 && count < 5_300, `${count} lost`)
  assert.ok(count / bursts > 4.5 && count / bursts < 5.5, `${count / bursts} in a row`)
})

test('jitter keeps the order unless packets may overtake', () => {
  for (const overtaking of [false, true]) {
    const at = carry({ delay: 20, jitter: 50, overtaking }).arrivals.flat()
    assert.equal(
      at.every((time, n) => n === 0 || time >= at[n - 1]),
      !overtaking
    )
    const late = at.map((time, n) => time - n * 5)
    assert.ok(Math.min(...late) >= 20 && Math.max(...late) <= 70)
    assert.ok(Math.max(...late) - Math.min(...late) > 30)
  }
})

test('reordered packets come later than the next ones, duplicated ones twice', () => {
  const { link, arrivals } = carry({ reordering: 0.1, reorderingDelay: 12, duplication: 0.1 })
  const late = arrivals.filter(([at], n) => at > n * 5).length
  assert.ok(late > 70 && late < 140, `${late} late`)
  assert.equal(arrivals.filter(each => each.length === 2).length, link.counts.duplicated)
  assert.ok(link.counts.duplicated > 70)
})

test('datagrams pass in both directions under conditions that change while they do', { timeout: 20_000 }, async t => {
  const server = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  const client = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  t.after(() => {
    server.close()
    client.close()
  })
  await Promise.all([once(server, 'listening'), once(client, 'listening')])
  const { port } = server.address()
  const network = await BadNetwork.start(t, { front: '127.0.0.2', back: '127.0.0.1', port })
  server.on('message', (bytes, from) => server.send(bytes, from.port, from.address))
  const ask = async () => {
    const sent = performance.now()
    client.send('there?', port, '127.0.0.2')
    await once(client, 'message')
    return performance.now() - sent
  }
  // The first one opens the way and is lost with it at times.
  client.send('hello', port, '127.0.0.2')
  await new Promise(resolve => setTimeout(resolve, 100))
  network.set({ toClients: { delay: 60 }, fromClients: { delay: 40 } })
  const slow = await ask()
  assert.ok(slow >= 99, `${slow} ms`)
  network.follow([{ after: 50, toClients: {}, fromClients: {} }])
  await new Promise(resolve => setTimeout(resolve, 150))
  const quick = await ask()
  assert.ok(quick < slow, `${quick} ms`)
  const { passed } = network.counts
  network.set({ toClients: { loss: 1 } })
  client.send('there?', port, '127.0.0.2')
  await new Promise(resolve => setTimeout(resolve, 200))
  assert.equal(network.counts.passed, passed)
  assert.equal(network.counts.lost, 1)
})
