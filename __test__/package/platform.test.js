'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { usesMusl, platformName } = require('../../lib/native/platform.js')

/** The least of an ELF file: a header and one program header that names the loader (PT_INTERP). */
function executable(loader) {
  const header = Buffer.alloc(64)
  header.writeUInt32BE(0x7f454c46, 0)
  header[4] = 2
  header[5] = 1
  header.writeBigUInt64LE(64n, 32)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  const entry = Buffer.alloc(56)
  entry.writeUInt32LE(3, 0)
  entry.writeBigUInt64LE(120n, 8)
  entry.writeBigUInt64LE(BigInt(loader.length), 32)
  return Buffer.concat([header, entry, Buffer.from(loader)])
}

for (const [what, content, expected] of [
  ['an executable for musl', executable('/lib/ld-musl-x86_64.so.1\0'), true],
  ['an executable for glibc', executable('/lib64/ld-linux-x86-64.so.2\0'), false],
  ['a script', Buffer.from(`#!/bin/sh\n${'x'.repeat(100)}`), false],
  ['a file that ends early', executable('/lib/ld-musl-x86_64.so.1\0').subarray(0, 70), false],
  ['an empty file', Buffer.alloc(0), false]
]) {
  test(`${what} ${expected ? 'uses' : 'does not use'} musl`, () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-elf-')), 'file')
    fs.writeFileSync(file, content)
    try {
      assert.equal(usesMusl(file), expected)
    } finally {
      fs.rmSync(path.dirname(file), { recursive: true })
    }
  })
}

test('a file that is not there does not use musl', () => {
  assert.equal(usesMusl('/nonexistent'), false)
})

test('the platform is named after what Node runs on', () => {
  assert.ok(platformName().startsWith(`${process.platform}-${process.arch}`))
})
