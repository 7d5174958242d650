'use strict'

/** How a DTLS handshake with a client of others' making fails. See `tests/handshake.rs` for everything on fake time. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Client } = require('../support/clients/client.js')
const { nextEvent, within } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')

/** The handshake takes a fraction of it; an endpoint that waits for `connectTimeout` takes 30 s. */
const SOON_MS = 8_000

for (const [role, setup] of [
  ['client', 'active'],
  ['server', 'passive']
]) {
  for (const dtls of ['1.2', 'auto']) {
    test(`a DTLS ${role} with another certificate than it announced is an error at once (dtls: ${dtls})`, { timeout: 60_000 }, async t => {
      const endpoint = await loopbackEndpoint(t)
      const transport = endpoint.createTransport({ dtls })
      const client = await Client.start(t, 'wrtc')
      const offer = await client.call('start')
      const failed = nextEvent(transport, 'error', SOON_MS)
      const closed = new Promise(resolve => transport.once('closed', resolve))
      const answer = await transport.acceptOffer(
        offer
          .replace(/^a=fingerprint:.*$/gm, `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`)
          .replace(/^a=setup:actpass/gm, `a=setup:${setup}`)
      )
      await client.call('acceptAnswer', answer)
      const [error] = await failed
      assert.equal(error.code, 'ERR_TRANSPORT')
      assert.match(error.message, /certificate does not match a=fingerprint/)
      assert.equal(await within(SOON_MS, closed, 'closed'), 'error')
    })

    test(
      `a DTLS ${role} that does not take our certificate is an error at once, with its alert (dtls: ${dtls})`,
      { timeout: 60_000 },
      async t => {
        const endpoint = await loopbackEndpoint(t)
        const transport = endpoint.createTransport({ dtls })
        const client = await Client.start(t, 'wrtc')
        const offer = await client.call('start')
        const failed = nextEvent(transport, 'error', SOON_MS)
        const answer = await transport.acceptOffer(offer.replace(/^a=setup:actpass/gm, `a=setup:${setup}`))
        await client.call('acceptAnswer', answer.replace(/^a=fingerprint:.*$/gm, `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`))
        const [error] = await failed
        assert.match(error.message, /the peer refused the handshake: alert \d+ [a-z_]+/)
      }
    )
  }
}
