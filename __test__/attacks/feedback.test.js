'use strict'

const { test } = require('node:test')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')

const PUBLISHER = 0
/** Compounds a second, of which one asks for 1,700 packets. */
const COMPOUNDS = 1000

test('a viewer by libdatachannel harms nobody by RTCP', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t)
  const attacker = await Attacker.start(t, field.server, 'libdatachannel')
  for (const name of ['requests for packets and keyframes', 'feedback, estimates, goodbyes and nonsense']) {
    await t.test(`by ${name}`, t =>
      field.holds(t, name, async () => {
        await attacker.join({ watches: PUBLISHER })
        return attacker.attack(t, name, COMPOUNDS)
      })
    )
  }
})
