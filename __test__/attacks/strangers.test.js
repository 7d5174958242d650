'use strict'

const { test } = require('node:test')
const { offer } = require('../rooms/sdp.js')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')
const { credentialsOf } = require('../support/attacks/stun.js')
const { portOf } = require('../support/way.js')

/** Attacks, and datagrams a second. */
const ATTACKS = {
  garbage: 4000,
  'STUN of five kinds': 4000,
  'DTLS of nine kinds before the handshake': 2000
}

test('who takes no part harms nobody', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t)
  const stranger = await Attacker.start(t, field.server, 'strangers')
  for (const [name, perSecond] of Object.entries(ATTACKS)) {
    await t.test(`by ${name}`, t =>
      field.holds(t, name, async () => {
        const sdp = offer([{ kind: 'audio', direction: 'recvonly' }])
        const { sdp: answer } = await field.server.call('join', sdp)
        await stranger.call('prepare', { port: portOf(answer), remote: credentialsOf(answer), local: credentialsOf(sdp) })
        return stranger.attack(t, name, perSecond)
      })
    )
  }
})
