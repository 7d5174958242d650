'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { test } = require('node:test')
const { platformName } = require('../../lib/native/platform.js')

const linux = process.platform === 'linux'

test(`the module needs nothing but libraries that every system has${linux ? '' : ' (skipped: needs ldd)'}`, { skip: !linux }, () => {
  const module = path.join(__dirname, '..', '..', `medialoom.${platformName()}.node`)
  const needed = execFileSync('ldd', [module], { encoding: 'utf8' }).match(/\blib[\w+-]+\.so|\bld-[\w-]+\.so|linux-vdso/g)
  const everywhere = ['libc.so', 'libm.so', 'libgcc_s.so', 'libstdc++.so', 'libpthread.so', 'libdl.so', 'linux-vdso']
  const others = needed.filter(name => !everywhere.includes(name) && !name.startsWith('ld-'))
  assert.deepEqual(others, [])
})
