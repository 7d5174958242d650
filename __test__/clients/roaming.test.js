'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { BadNetwork } = require('../support/bad-network.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { forward, join, receives } = require('../support/clients/suite.js')

/** The endpoint listens here and says it is there, where the bad network stands. */
const BACK = '127.0.0.1'
const FRONT = '127.0.0.2'

/** A frame every 50 ms, a tenth of a second of silence, and a machine that does other things as well. */
const MOST_MS = 1500

const seconds = count => new Promise(resolve => setTimeout(resolve, count * 1000))

test('wrtc: the picture goes on when an address changes, of the viewer or of the sender', { timeout: 120_000 }, async t => {
  const endpoint = await loopbackEndpoint(t, { listen: [{ ip: BACK, announcedIp: FRONT }], tcp: false })
  const { port } = endpoint.addresses[0]
  const network = await BadNetwork.start(t, { front: FRONT, back: BACK, port })
  const sender = await join(t, endpoint, 'wrtc')
  const viewer = await join(t, endpoint, 'wrtc')
  await forward(sender, viewer)
  await receives(viewer, { audio: 25, video: 40 }, 'media before anything moves')
  await viewer.client.call('takeLongestGap')
  await seconds(2)
  t.diagnostic(`nobody moves: ${Math.round(await viewer.client.call('takeLongestGap'))} ms without a frame`)

  for (const [who, { transport }] of [
    ['the viewer', viewer],
    ['the sender', sender],
    ['the viewer', viewer],
    ['the sender', sender]
  ]) {
    const { selectedCandidatePair: before, selectedCandidatePairChanges: changes } = await transport.getStats()
    await viewer.client.call('takeLongestGap')
    await network.rebind(before.remoteAddress)
    await seconds(4)
    const gap = await viewer.client.call('takeLongestGap')
    t.diagnostic(`${who} moves: ${Math.round(gap)} ms without a frame`)
    assert.ok(gap < MOST_MS, `${who} moved, ${gap} ms without a frame`)
    const after = await transport.getStats()
    assert.notEqual(after.selectedCandidatePair.remoteAddress, before.remoteAddress)
    assert.equal(after.selectedCandidatePairChanges, changes + 1)
  }
})
