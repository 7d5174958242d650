'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { version, versions } = require('../../index.js')

const lock = fs.readFileSync(path.join(__dirname, '..', '..', 'Cargo.lock'), 'utf8')
const locked = name => [...lock.matchAll(new RegExp(`name = "${name}"\nversion = "(.+)"`, 'g'))].map(([, found]) => found)

test('the engine is of the version of the package', () => {
  assert.equal(versions.medialoom, version)
})

test('every library says its version', () => {
  const names = ['medialoom', 'awslc', ...(versions.libvpx ? ['libopus', 'libvpx', 'libaom', 'openh264'] : [])]
  assert.deepEqual(Object.keys(versions).sort(), names.sort())
  for (const [name, text] of Object.entries(versions)) assert.match(text, /^\d+\.\d+(\.\d+)?([.-].*)?$/, name)
})

test('the libaom that is linked is the one whose version its crate names', { skip: !versions.libaom && 'built without mixing' }, () => {
  const [crate] = locked('libaom-sys')
  assert.equal(crate.split('+libaom.')[1], versions.libaom)
})

test('there is one AWS-LC, that of all who use it', () => {
  assert.equal(locked('aws-lc-sys').length, 1)
})

test('versions cannot be changed', () => {
  assert.ok(Object.isFrozen(versions))
})
