'use strict'

/** What is linked into the module is under licences that ask for no more than a notice, or MPL. */

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'IJG',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'OpenSSL',
  'Unicode-3.0',
  'Unlicense',
  'Zlib'
])

for (const folder of ['.', 'bench/load', 'bench/micro', 'bench/mix', 'bench/network']) {
  test(`every crate that ${folder} needs is under an accepted licence`, () => {
    const metadata = JSON.parse(
      execFileSync('cargo', ['metadata', '--locked', '--format-version=1'], {
        cwd: path.join(ROOT, folder),
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
        stdio: ['ignore', 'pipe', 'pipe']
      })
    )
    assert.ok(metadata.packages.length > 50)
    const refused = metadata.packages.filter(({ license }) => !license || !isAccepted(license))
    assert.deepEqual(
      refused.map(({ name, license }) => `${name}: ${license}`),
      []
    )
  })
}

test('the licence of a crate is read as an SPDX expression', () => {
  assert.ok(isAccepted('MIT OR GPL-3.0'))
  assert.ok(isAccepted('MIT/Apache-2.0'))
  assert.ok(isAccepted('ISC AND (Apache-2.0 OR LGPL-2.1)'))
  assert.ok(!isAccepted('MIT AND GPL-3.0'))
  assert.ok(!isAccepted('LGPL-2.1'))
})

/** `AND` binds more than `OR`; the slash is how crates wrote `OR` before. */
function isAccepted(expression) {
  const tokens = expression.replaceAll('/', ' OR ').match(/\(|\)|[^()\s]+(?:\s+WITH\s+[^()\s]+)?/g)
  let at = 0
  const either = () => {
    let accepted = both()
    while (tokens[at] === 'OR') {
      at++
      // Read on in any case: what follows has to be consumed.
      accepted = both() || accepted
    }
    return accepted
  }
  const both = () => {
    let accepted = one()
    while (tokens[at] === 'AND') {
      at++
      accepted = one() && accepted
    }
    return accepted
  }
  const one = () => {
    if (tokens[at] !== '(') return ACCEPTED.has(tokens[at++].replace(/\s+/g, ' '))
    at++
    const accepted = either()
    at++
    return accepted
  }
  return either()
}
