'use strict'

/** What the modules that are published ask of the systems they are loaded on. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')
const { GLIBC } = require('../../scripts/prebuild.js')
const { VERSION: LIBVPX } = require('../../scripts/prebuild/libvpx.js')
const { libvpxIn } = require('../../scripts/libraries.js')
const { platformName } = require('../../lib/native/platform.js')
const { readElf } = require('./elf.js')

const ROOT = path.join(__dirname, '..', '..')
const PREBUILT = path.join(ROOT, 'prebuilt')

const modules = (fs.existsSync(PREBUILT) ? fs.readdirSync(PREBUILT) : []).filter(name => /linux.*\.node$/.test(name))
const none = modules.length === 0 && 'none is built: node scripts/prebuild.js PLATFORM'

/** The newest version of glibc that one of these symbols came with, as numbers; nothing for symbols of other libraries. */
function newestGlibc(versions) {
  const found = versions.flatMap(({ version }) => /^GLIBC_(\d+(?:\.\d+)*)$/.exec(version)?.[1] ?? [])
  return found
    .map(version => version.split('.').map(Number))
    .sort(([a, b], [c, d]) => a - c || b - d)
    .pop()
}

test(
  'what a module asks of glibc is read from its symbol versions',
  { skip: process.platform !== 'linux' || platformName().endsWith('musl') },
  () => {
    const { arch, versions } = readElf(path.join(ROOT, `medialoom.${platformName()}.node`))
    assert.equal(arch, process.arch)
    const { header } = /** @type {any} */ (process.report.getReport())
    const [here, asked] = [header.glibcVersionRuntime.split('.').map(Number), newestGlibc(versions)]
    assert.equal(asked[0], here[0])
    assert.ok(asked[1] > 2 && asked[1] <= here[1], `asks for ${asked.join('.')} on ${here.join('.')}`)
  }
)

test('versions of glibc are compared as numbers', () => {
  const versions = ['GLIBC_2.9', 'GLIBC_2.28', 'GLIBC_2.3.4', 'GLIBC_PRIVATE', 'GCC_3.0', 'GLIBCXX_3.4.30'].map(version => ({
    library: 'x',
    version
  }))
  assert.deepEqual(newestGlibc(versions), [2, 28])
  assert.equal(newestGlibc([]), undefined)
})

test('there is a published module to look into', { skip: none }, () => assert.ok(modules.length > 0))

for (const name of modules) {
  const file = path.join(PREBUILT, name)
  const [, arch, libc] = /\.linux-(\w+)-(\w+)\.node$/.exec(name)
  const elf = readElf(file)

  test(`${name} is for ${arch} and asks for ${libc === 'gnu' ? `no glibc after ${GLIBC}` : 'musl alone'}`, () => {
    assert.equal(elf.arch, arch)
    // C++ and the unwinder are inside: systems differ in theirs.
    const libraries =
      libc === 'musl'
        ? ['libc.so']
        : [
            'libc.so.6',
            'libm.so.6',
            'libdl.so.2',
            'libpthread.so.0',
            'librt.so.1',
            'libutil.so.1',
            'ld-linux-x86-64.so.2',
            'ld-linux-aarch64.so.1'
          ]
    assert.deepEqual(
      elf.needed.filter(library => !libraries.includes(library)),
      []
    )
    if (libc === 'musl') return assert.deepEqual(elf.versions, [])
    const [major, minor] = newestGlibc(elf.versions)
    const [, limit] = GLIBC.split('.').map(Number)
    assert.ok(major === 2 && minor <= limit, `${major}.${minor}`)
  })

  test(`${name} mixes, with the libvpx that is pinned`, () => assert.equal(libvpxIn(file), LIBVPX))

  test(`${name} has less than 25 MB, without names of functions`, () => {
    assert.ok(fs.statSync(file).size < 25e6, `${fs.statSync(file).size} bytes`)
    assert.ok(!elf.sections.includes('.symtab'))
  })

  test(`${name} starts`, { skip: name !== `medialoom.${platformName()}.node` && 'another platform' }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(__dirname, 'start-module.js'), file], {
      encoding: 'utf8',
      timeout: 60_000
    })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^started$/m)
  })
}
