'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { layout, patternOf } = require('../../bench/turns/layout.js')

const PLACED = /^ {4}\*\(\.text\.(.*)\)$/
const placed = script => script.split('\n').flatMap(line => PLACED.exec(line)?.[1] ?? [])

test('functions are placed in the order of their use, under names that another compiler gives them too', () => {
  const functions = [
    { name: '_ZN9medialoom3net4read17h0123456789abcdefE', size: 100 },
    { name: '_ZN9medialoom3net4send17hfedcba9876543210E.llvm.1234', size: 100 },
    { name: 'aws_lc_0_47_0_EVP_AEAD_CTX_open', size: 100 },
    { name: '_RNvMNtCsjrHSEGnQ3l9_3std4time3now', size: 100 }
  ]
  const used = functions.map(({ name }) => name).reverse()
  assert.deepEqual(placed(layout(used, functions)), [
    '_RNvMNtCs*_3std4time3now',
    'aws_lc_*_EVP_AEAD_CTX_open',
    '_ZN9medialoom3net4send17h*',
    '_ZN9medialoom3net4read17h*'
  ])
})

test('a name that many functions have, or one of no section of its own, is left where it is', () => {
  const many = Array.from({ length: 7 }, (_, at) => ({ name: `_ZN5alloc3vec4grow17h${String(at).padStart(16, '0')}E`, size: 100 }))
  const assembler = { name: 'aws_lc_0_47_0_aes_gcm_encrypt_avx512', size: 300_000 }
  assert.deepEqual(placed(layout([many[0].name, assembler.name, 'outside of the module'], [...many, assembler])), [])
})

test('the layout that modules are linked by names functions of the hot way, each once', () => {
  const names = placed(fs.readFileSync(path.join(__dirname, '../../src/layout.ld'), 'utf8'))
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.length > 100, `${names.length}`)
  for (const name of names) assert.equal(patternOf(name), name, 'no hash and no version')
  assert.ok(names.some(name => name.includes('take_datagrams')))
})
