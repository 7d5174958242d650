'use strict'

const assert = require('node:assert/strict')
const { readdirSync } = require('node:fs')
const { test } = require('node:test')
const { Endpoint } = require('../..')

const descriptors = () => readdirSync('/proc/self/fd').length

test('closed endpoints leave no descriptor behind, though they are still referred to', { skip: process.platform !== 'linux' }, async () => {
  const options = { listen: [{ ip: '127.0.0.1' }], threads: 2 }
  // What the process opens once and keeps.
  await (await Endpoint.create(options)).close()
  const before = descriptors()
  const endpoints = []
  for (let count = 0; count < 5; count += 1) endpoints.push(await Endpoint.create(options))
  assert.ok(descriptors() > before)
  for (const endpoint of endpoints) await endpoint.close()
  assert.equal(descriptors(), before)
  assert.ok(endpoints.every(({ closed }) => closed))
})
