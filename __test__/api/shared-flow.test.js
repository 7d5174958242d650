'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { nextEvent } = require('../support/events.js')
const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')

/** Begins to connect two transports; gives what a message is told from the others by. */
async function connect(from, to, number) {
  const [client, server] = [from.createTransport({ iceLite: number % 2 === 0 }), to.createTransport({ iceLite: number % 2 === 1 })]
  const both = Promise.all([connected(client), connected(server)])
  const channel = client.createDataChannel(`channel ${number}`)
  const announced = new Promise(resolve => server.once('datachannel', resolve))
  await negotiate(client, server)
  await both
  return { client, server, channel, other: await announced }
}

for (const [what, same] of [
  ['two endpoints connect to each other', false],
  ['an endpoint connects to itself', true]
]) {
  test(`${what} eight times at once, and every message arrives where it should`, async t => {
    const left = await loopbackEndpoint(t)
    const right = same ? left : await loopbackEndpoint(t)
    const pairs = await Promise.all(
      Array.from({ length: 8 }, (_, number) => (number % 4 < 2 ? connect(left, right, number) : connect(right, left, number)))
    )
    const got = pairs.map(({ other }) => nextEvent(other, 'message'))
    const back = pairs.map(({ channel }) => nextEvent(channel, 'message'))
    await Promise.all(pairs.map(({ channel }) => channel.readyState === 'open' || nextEvent(channel, 'open')))
    for (const [number, { channel, other }] of pairs.entries()) {
      assert.equal(other.label, `channel ${number}`)
      channel.send(`to ${number}`)
      other.send(`from ${number}`)
    }
    assert.deepEqual(
      (await Promise.all(got)).map(String),
      pairs.map((_, number) => `to ${number}`)
    )
    assert.deepEqual(
      (await Promise.all(back)).map(String),
      pairs.map((_, number) => `from ${number}`)
    )
  })
}
