'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Client } = require('../support/clients/client.js')
const { nextEvent, until } = require('../support/events.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

test('libwebrtc connects over TCP when it is told of no UDP (RFC 6544)', { timeout: 60_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const client = await Client.start(t, 'wrtc')
  const opened = nextEvent(transport, 'datachannel', 20_000)
  const answer = await transport.acceptOffer(await client.call('start'))
  assert.match(answer, /a=candidate:\S+ 1 tcp .* tcptype passive/i)
  await client.call('acceptAnswer', answer.replace(/^a=candidate:\S+ 1 udp .*\r\n/gim, ''))
  await connected(transport)

  const [channel] = await opened
  channel.send('over TCP')
  await until(async () => (await client.call('report')).messages.includes('over TCP'), 'the message')
  const stats = await until(async () => {
    const now = await transport.getStats()
    const received = now.incomingTracks.flatMap(track => track.encodings.map(encoding => encoding.packetsReceived))
    return now.selectedCandidatePair && received.length === 2 && received.every(packets => packets > 20) && now
  }, 'media and the pair it came on')
  assert.equal(stats.selectedCandidatePair.protocol, 'tcp')
})
