'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** Crates bring C libraries and fonts in folders of theirs. */
const DEPTH = 2
const UNLINKED = /^(?:tests?|benches|examples|docs?|src|gtest|node_modules)$/
const NOTICE = /^(?:licen[cs]e|copying|copyright|notice|patents|unlicense)/i

/**
 * The licence texts of everything that is linked into the native module, as those licences ask of
 * whoever hands out a binary. A text that several crates share appears once.
 *
 * @param {{ name: string, version: string, license: string, manifest_path: string }[]} crates
 * @param {{ name: string, version: string, license: string, crate: string | null }[]} libraries
 */
function thirdPartyNotices(crates, libraries) {
  const cratesOfText = new Map()
  for (const crate of crates) {
    const folder = path.dirname(crate.manifest_path)
    const brought = libraries.filter(library => library.crate === crate.name).map(({ name, version }) => `, with ${name} ${version}`)
    const title = `${crate.name} ${crate.version} (${crate.license})${brought.join('')}`
    for (const text of noticesIn(folder, DEPTH)) {
      cratesOfText.set(text, [...(cratesOfText.get(text) ?? []), title])
    }
  }
  for (const { name, version, license } of libraries.filter(library => library.crate === null)) {
    const text = fs.readFileSync(path.join(__dirname, 'licences', `${name}.txt`), 'utf8').trim()
    cratesOfText.set(text, [`${name} ${version} (${license})`])
  }
  const sections = [...cratesOfText].map(([text, crates]) => `${crates.join('\n')}\n\n${text}\n`)
  return ['The native module of medialoom contains the following crates and libraries.\n', ...sections].join(`\n${'-'.repeat(80)}\n\n`)
}

/** The texts in a folder and in those below it, but for those of tests. */
function noticesIn(folder, depth) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const where = path.join(folder, entry.name)
    if (entry.isDirectory()) return depth > 0 && !UNLINKED.test(entry.name) ? noticesIn(where, depth - 1) : []
    return entry.isFile() && NOTICE.test(entry.name) ? [fs.readFileSync(where, 'utf8').trim()] : []
  })
}

module.exports = { thirdPartyNotices }
