'use strict'

const { test } = require('node:test')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')

/** Attacks, and packets a second: the rates at which they stopped a media thread for everybody, or more. */
const ATTACKS = {
  // 3.5 Mbit/s.
  'one-byte chunks behind a missing one': 400,
  'unordered pieces that are never whole': 400,
  'every second chunk missing': 400,
  // Four in each: 1,500 openings a second.
  'openings of channels on new streams': 375,
  'resets of all streams': 300,
  'what is given up, far ahead': 300,
  'what is given up, again and again': 300,
  'heartbeats and chunks of no known type': 300
}

test('who takes part by werift harms nobody by SCTP', { ...LINUX, timeout: 180_000 }, async t => {
  const field = await Field.open(t)
  const attacker = await Attacker.start(t, field.server, 'werift')
  for (const [name, packetsPerSecond] of Object.entries(ATTACKS)) {
    await t.test(`by ${name}`, t =>
      field.holds(t, name, async () => {
        await attacker.join()
        return attacker.attack(t, name, packetsPerSecond)
      })
    )
  }
})
