'use strict'

/** That harm would be seen, if there were any. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Field, LINUX } = require('../support/attacks/field.js')
const { harmOf, stalled } = require('../support/attacks/harm.js')

const GOOD = { share: 1, p50: 0.3, p95: 0.6, waited: 0, busy: 0.05 }
const course = windows => ({ before: GOOD, during: GOOD, after: GOOD, ...windows })
const seen = (attacked, control = {}) => ({ attacked: course(attacked), control: course(control) })

test('neighbours who see what they saw before are not harmed', () => {
  assert.equal(harmOf(seen({})), null)
  assert.equal(harmOf(seen({ during: { ...GOOD, share: 0.91, p95: 5 } })), null)
})

test('frames that are lost and latency are harm, while it lasts and after', () => {
  assert.match(harmOf(seen({ during: { ...GOOD, share: 0.8 } })), /^80 % of the frames during/)
  assert.match(harmOf(seen({ after: { ...GOOD, share: 0 } })), /^0 % of the frames after/)
  assert.match(harmOf(seen({ during: { ...GOOD, p50: 6, p95: 6 } })), /latency \(p50\) of 6.00 ms during/)
  assert.match(harmOf(seen({ before: { ...GOOD, share: 0.5 } })), /before anything happened/)
})

test('what everybody sees is the machine', () => {
  const slow = { during: { ...GOOD, p50: 20, p95: 80 } }
  assert.equal(harmOf(seen(slow, slow)), null)
  assert.equal(stalled(seen({})), false)
  assert.equal(stalled(seen({}, { during: { ...GOOD, share: 0.7 } })), true)
  assert.equal(stalled(seen({ during: { ...GOOD, waited: 0.5 } })), true)
})

test('a server that stands still for a second is noticed', { ...LINUX, timeout: 60_000 }, async t => {
  const field = await Field.open(t)
  const seen = await field.observe(async () => {
    process.kill(field.server.pid, 'SIGSTOP')
    setTimeout(() => process.kill(field.server.pid, 'SIGCONT'), 1500)
  })
  assert.match(harmOf(seen), /during/)
})
