'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Rooms } = require('medialoom/rooms')
const { loopbackEndpoint } = require('../support/loopback.js')
const { publisherOffer } = require('./sdp.js')

/** What an answer to the participant's next offer allows. */
async function allowed(participant) {
  const answer = await participant.transport.acceptOffer(publisherOffer('camera'))
  return /b=TIAS:(\d+)/.exec(answer)?.[1] ?? null
}

test('what participants may send is limited by room, by participant, and by transport that follows', async t => {
  const endpoint = await loopbackEndpoint(t)
  const rooms = new Rooms({ endpoint, maxIncomingBitrate: 1_000_000 })
  t.after(() => rooms.close())
  const ada = rooms.join('loom', { name: 'Ada', transport: endpoint.createTransport() })
  assert.deepEqual([ada.maxIncomingBitrate, await allowed(ada)], [1_000_000, '1000000'])
  const grace = rooms.join('loom', { name: 'Grace', transport: endpoint.createTransport(), maxIncomingBitrate: 300_000 })
  assert.equal(await allowed(grace), '300000')
  grace.setMaxIncomingBitrate(200_000)
  assert.equal(await allowed(grace), '200000')
  grace.setTransport(endpoint.createTransport())
  assert.equal(await allowed(grace), '200000')
  grace.setMaxIncomingBitrate(null)
  assert.equal(await allowed(grace), null)
  assert.throws(() => grace.setMaxIncomingBitrate(0), { code: 'ERR_INVALID_ARG' })
  assert.throws(() => new Rooms({ endpoint, maxIncomingBitrate: 'much' }), { code: 'ERR_INVALID_ARG', field: 'options.maxIncomingBitrate' })
})
