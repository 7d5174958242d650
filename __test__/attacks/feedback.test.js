'use strict'

const { test } = require('node:test')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')

const PUBLISHER = 0
const ATTACKS = ['requests for packets and keyframes', 'feedback, estimates, goodbyes and nonsense', 'media that nobody announced']
/** Packets a second; one third of the requests ask for 1,700 packets each. */
const PACKETS = 1000

test('a viewer by libdatachannel harms nobody by media and RTCP', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t)
  const attacker = await Attacker.start(t, field.server, 'libdatachannel')
  for (const name of ATTACKS) {
    await t.test(`by ${name}`, t =>
      field.holds(t, name, async () => {
        await attacker.join({ watches: PUBLISHER })
        return attacker.attack(t, name, PACKETS)
      })
    )
  }
})
