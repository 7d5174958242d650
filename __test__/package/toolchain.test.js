'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { missingTools } = require('../../lib/native/toolchain.js')

for (const [version, wanted] of [
  ['1.7.0', 'missing'],
  ['1.8.0', 'enough'],
  ['1.8.2', 'enough'],
  ['1.15.0', 'enough'],
  ['2.0.1', 'enough']
]) {
  test(`libvpx ${version} is ${wanted}`, t => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-libvpx-'))
    t.after(() => fs.rmSync(folder, { recursive: true }))
    fs.writeFileSync(path.join(folder, 'vpx.pc'), `Name: vpx\nVersion: ${version}\nLibs: -lvpx\n`)
    const program = path.join(folder, process.platform === 'win32' ? 'pkg-config.exe' : 'pkg-config')
    fs.writeFileSync(program, '', { mode: 0o755 })
    const missing = missingTools({ PATH: folder, PKG_CONFIG_PATH: folder }).map(({ name }) => name)
    assert.equal(
      missing.some(name => name.startsWith('libvpx')),
      wanted === 'missing'
    )
  })
}

test('a folder that is named stands for a libvpx of any version', () => {
  const missing = missingTools({ PATH: '', VPX_LIB_DIR: '/opt/vpx/lib' }).map(({ name }) => name)
  assert.ok(!missing.some(name => name.startsWith('libvpx')))
})
