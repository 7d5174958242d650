'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { BadNetwork } = require('../support/bad-network.js')
const { until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { forward, join, receives } = require('../support/clients/suite.js')

/** The endpoint listens here and says it is there, where the bad network stands. */
const BACK = '127.0.0.1'
const FRONT = '127.0.0.2'

// `repairs`: the client takes retransmissions (RFC 4588), so that what it asks for can be repeated.
for (const { name, repairs } of [
  { name: 'wrtc', repairs: true },
  { name: 'werift', repairs: false },
  { name: 'node-datachannel', repairs: false }
]) {
  test(`${name}: a twentieth of the media is lost, and the client gets another address`, { timeout: 120_000 }, async t => {
    const endpoint = await loopbackEndpoint(t, { listen: [{ ip: BACK, announcedIp: FRONT }], tcp: false })
    const { port } = endpoint.addresses[0]
    const network = await BadNetwork.start(t, { front: FRONT, back: BACK, port })
    const ada = await join(t, endpoint, name)
    const bob = await join(t, endpoint, name)
    const stream = await forward(ada, bob)
    await receives(bob, { audio: 25, video: 10 }, 'media before anything goes wrong')

    network.loss = 0.05
    await receives(bob, { audio: 150, video: 60 }, 'media while packets are lost')
    assert.ok(network.mediaLost > 3, `${network.mediaLost} packets were lost`)
    if (repairs) {
      const video = await until(
        async () => {
          const { outgoingTracks } = await bob.transport.getStats()
          const track = outgoingTracks.find(({ kind }) => kind === 'video')
          return track.retransmittedPacketsSent > 0 && track
        },
        'a repetition',
        20_000
      )
      assert.ok(video.nackCount > 0)
    }
    network.loss = 0

    const before = (await bob.transport.getStats()).selectedCandidatePair.remoteAddress
    await network.rebind()
    await until(
      async () => {
        const report = await bob.client.call('report')
        await new Promise(resolve => setTimeout(resolve, 1000))
        const later = await bob.client.call('report')
        return later.audio.frames - report.audio.frames >= 25 && later.video.frames - report.video.frames >= 5
      },
      'media at the new address',
      40_000
    )
    assert.equal(bob.transport.state, 'connected')
    assert.equal(stream.audio[0].closed, false)
    assert.notEqual((await bob.transport.getStats()).selectedCandidatePair.remoteAddress, before)

    // What is not media follows as well.
    bob.channel.send('are you there?')
    await until(async () => (await bob.client.call('report')).messages.includes('are you there?'), 'a message at the new address', 20_000)
  })
}
