'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { test } = require('node:test')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')

const ATTACK = 'RTP and RTCP of nine kinds'
const PER_SECOND = 4000

/** What guards a port. */
const PORTS = {
  'one that takes the first who sends': () => ({}),
  'one with keys': () => ({ srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', key: randomBytes(30).toString('base64') } })
}

test('whatever comes to a port of plain RTP costs its neighbours nothing', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t)
  const stranger = await Attacker.start(t, field.server, 'strangers')
  for (const [name, options] of Object.entries(PORTS)) {
    await t.test(name, async t => {
      const port = await field.server.call('openRtp', options())
      await field.holds(t, name, async () => {
        await stranger.call('prepare', { port })
        return stranger.attack(t, ATTACK, PER_SECOND)
      })
      const { packetsReceived, packetsRefused } = await field.server.call('rtpStats')
      assert.ok(packetsReceived > PER_SECOND / 4, `${packetsReceived} came`)
      if (name === 'one with keys') assert.equal(packetsRefused, packetsReceived)
    })
  }
})
