'use strict'

/** The typings of the client against its modules, and against programs that use it. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')

test('the modules agree with their types, and programs with the typings', () => {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(__dirname, 'tsconfig.json')], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

for (const folder of ['lib/client', 'lib/client/react']) {
  const typings = fs.readFileSync(path.join(ROOT, folder, 'index.d.ts'), 'utf8')
  const source = fs.readFileSync(path.join(ROOT, folder, 'index.js'), 'utf8')
  const exported = [...source.matchAll(/^export (?:function (\w+)|\{ ([^}]+) \})/gm)].flatMap(
    ([, name, names]) => name ?? names.split(', ')
  )

  test(`${folder}: everything that is exported is described, and the other way round`, () => {
    const described = [...typings.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, name]) => name)
    // Classes that are made by the room alone: their objects are what a program sees.
    const made = ['Downlink', 'Emitter', 'Encryption', 'Moderation']
    assert.deepEqual(described.filter(name => !made.includes(name)).sort(), [...exported].sort())
  })
}

test('every member that is described of a class is there', async () => {
  const typings = fs.readFileSync(path.join(ROOT, 'lib/client/index.d.ts'), 'utf8')
  for (const [, name, body] of typings.matchAll(/^export class (\w+)[^]*?\{\n([^]*?)^\}/gm)) {
    const file = name.replace(/(?<=[a-z])[A-Z]/g, letter => `-${letter}`).toLowerCase()
    const sources = [file, ...(name === 'Room' ? ['room-requests'] : [])].map(each => path.join(ROOT, 'lib/client', `${each}.js`))
    const source = sources.map(each => fs.readFileSync(each, 'utf8')).join('\n')
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)(?:<[^>]*>)?[(:?]/gm)].map(([, member]) => member)
    for (const member of members) {
      if (member === 'constructor' || (name === 'Emitter' && member.endsWith('EventListener'))) continue
      const isThere = new RegExp(`^ {2}(?:async |get )?${member}\\b|this\\.${member} = `, 'm').test(source)
      assert.ok(isThere, `${name}.${member}`)
    }
  }
})
