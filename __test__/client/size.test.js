'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')

const CLIENT = path.join(__dirname, '..', '..', 'lib', 'client')
/** Bytes. */
const MOST = 40_000

const modules = fs.readdirSync(CLIENT).filter(name => name.endsWith('.js'))

test('the client is under 40 kB compressed, as it is', t => {
  const whole = modules.map(name => fs.readFileSync(path.join(CLIENT, name), 'utf8')).join('\n')
  const { length } = gzipSync(whole, { level: 9 })
  t.diagnostic(`${modules.length} modules, ${whole.length} bytes, ${length} compressed`)
  assert.ok(length < MOST, `${length} bytes`)
})

test('browsers can load it without a bundler: each module names its own neighbours and nothing else', () => {
  for (const name of modules) {
    const source = fs.readFileSync(path.join(CLIENT, name), 'utf8')
    for (const [, specifier] of source.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'/gm)) {
      assert.match(specifier, /^\.\/[\w-]+\.js$/, name)
      assert.ok(modules.includes(specifier.slice(2)), `${name}: ${specifier}`)
    }
  }
})
