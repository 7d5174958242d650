'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { measureRequire } = require('../../bench/require.js')

test('requiring the package is quick and takes little memory', () => {
  const { milliseconds, megabytes } = measureRequire(5)
  // Far from what it is, and far from what it must not become, on a loaded machine too.
  assert.ok(milliseconds < 250, `${milliseconds} ms`)
  assert.ok(megabytes < 40, `${megabytes} MB`)
})
