'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { measureRequire } = require('../../bench/require.js')

test('requiring the package is quick and takes little memory', () => {
  const { milliseconds, megabytes } = measureRequire(5)
  const express = measureRequire(5, 'express')
  // Half of it on an idle machine; a library loaded with the package would show.
  assert.ok(milliseconds < 2 * express.milliseconds, `${milliseconds} ms, express ${express.milliseconds} ms`)
  assert.ok(megabytes < 40, `${megabytes} MB`)
})
