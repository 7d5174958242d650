'use strict'

/** The crate's source as the tests of the architecture read it: without comments, and with its tests told apart. */

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

/** Every file of the crate: its part, its lines, and from which line on it is a test. */
function rustFiles() {
  const files = filesBelow('src', /\.rs$/).map(file => ({
    file,
    lines: withoutComments(fs.readFileSync(path.join(ROOT, file), 'utf8'))
  }))
  const testFiles = new Set(files.flatMap(({ file, lines }) => testModules(file, lines)))
  return files.map(({ file, lines }) => {
    // src/sfu.rs and src/sfu/*.rs are the part sfu; src/lib.rs is none.
    const [first] = file.slice('src/'.length).split('/')
    const part = first === 'lib.rs' ? null : first.replace(/\.rs$/, '')
    // Tests stand at the foot of a file, or in one of their own.
    const foot = lines.findIndex((line, index) => isForTests(line) && /^mod \w+ \{/.test(lines[index + 1] ?? ''))
    const forTests = testFiles.has(file) || [...testFiles].some(module => file.startsWith(module.replace(/mod\.rs$/, '')))
    return { part, file, lines, testsFrom: forTests ? 0 : foot < 0 ? Infinity : foot }
  })
}

/** The files of modules that are only there for tests, and their folders: `#[cfg(test)]`, then `mod name;`. */
function testModules(file, lines) {
  const folder = file.replace(/(?:\/(?:mod|lib))?\.rs$/, '')
  return lines.flatMap((line, index) => {
    const name = isForTests(line) && /^(?:pub(?:\([^)]*\))? )?mod (\w+);/.exec(lines[index + 1] ?? '')?.[1]
    return name ? [`${folder}/${name}.rs`, `${folder}/${name}/mod.rs`] : []
  })
}

function isForTests(line) {
  return /^#\[cfg\((?:test|all\(test\b.*)\)\]/.test(line)
}

/** Lines without comments and the text of strings, so that prose names nobody. */
function withoutComments(source) {
  return source
    .replace(/\/\*[^]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
    .split('\n')
    .map(line => line.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\/\/.*$/, ''))
}

function filesBelow(folder, pattern) {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true })
    .map(name => path.posix.join(folder, name.split(path.sep).join('/')))
    .filter(name => pattern.test(name) && !name.includes('/node_modules/'))
    .sort()
}

module.exports = { ROOT, filesBelow, rustFiles, withoutComments }
