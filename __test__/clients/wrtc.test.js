'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Client } = require('../support/clients/client.js')
const { clientSuite } = require('../support/clients/suite.js')
const { until } = require('../support/events.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

clientSuite('wrtc', { numbered: false, resumes: true })

// RFC 9143 7.3.3: the first line of a bundle carries the transport of all and cannot be refused alone.
test('wrtc: sound is offered first where only VP8 is taken: the first line is idle and pictures arrive', { timeout: 40_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport({ codecs: ['vp8'] })
  const client = await Client.start(t, 'wrtc')
  await client.call('acceptAnswer', await transport.acceptOffer(await client.call('start')))
  await connected(transport)
  assert.deepEqual(
    transport.incomingTracks.map(track => track.kind),
    ['video']
  )
  await until(
    async () => {
      const [{ encodings }] = (await transport.getStats()).incomingTracks
      return encodings.some(({ packetsReceived }) => packetsReceived >= 10)
    },
    'pictures',
    10_000
  )
})
