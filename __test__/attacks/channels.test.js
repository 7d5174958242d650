'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')

/** Milliseconds that JavaScript is busy, longer than the attack is measured. */
const BUSY = 4500
/** Of 60,000 bytes, a second: twice as much as may be there more. */
const MESSAGES = 700
/** What may wait for JavaScript of one peer is 32 MiB; the rest is what allocators keep, and what it costs to wait. */
const GROWTH = 96 * 2 ** 20

test('who takes part harms nobody by data channels', { ...LINUX, timeout: 180_000 }, async t => {
  const field = await Field.open(t)
  const libdatachannel = await Attacker.start(t, field.server, 'libdatachannel')
  const libwebrtc = await Attacker.start(t, field.server, 'libwebrtc')

  for (const [by, attacker] of Object.entries({ libdatachannel, libwebrtc })) {
    for (const name of ['openings of channels', 'channels that open and close']) {
      await t.test(`by ${name}, ${by}`, t =>
        field.holds(t, `${name}, ${by}`, async () => {
          await attacker.join()
          return attacker.attack(t, name, 1500)
        })
      )
    }
  }

  await t.test('by messages of 500 channels while JavaScript is busy, libdatachannel', t =>
    field.holds(t, 'messages of 500 channels', async () => {
      await libdatachannel.join()
      await libdatachannel.call('openAll')
      const before = await field.server.call('memory')
      const end = await libdatachannel.attack(t, 'messages of all its channels', MESSAGES)
      const busy = field.server.call('block', BUSY)
      return async () => {
        await busy
        const growth = (await field.server.call('memory')) - before
        await end()
        t.diagnostic(`${(growth / 2 ** 20).toFixed(0)} MiB more`)
        assert.ok(growth < GROWTH, `${growth} bytes`)
      }
    })
  )
})
