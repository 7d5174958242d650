'use strict'

/**
 * Every `js` and `ts` block of README.md and docs/ is type-checked against the package's typings,
 * TypeScript strictly and JavaScript as far as it has types to go by. Names that a text introduced
 * before, such as `endpoint`, are declared in context.d.ts.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { before, test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
// Inside the package, so that it finds itself by its name.
const FOLDER = path.join(ROOT, 'target', 'docs-snippets')
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

const COMPILER_OPTIONS = {
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  module: 'node16',
  moduleResolution: 'node16',
  moduleDetection: 'force',
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [path.join(ROOT, 'node_modules', '@types')]
}

const DOCUMENTS = ['README.md', ...fs.readdirSync(path.join(ROOT, 'docs')).map(name => `docs/${name}`)].filter(name => name.endsWith('.md'))

const snippets = DOCUMENTS.flatMap(snippetsOf)
let complaints = []

before(() => {
  fs.rmSync(FOLDER, { recursive: true, force: true })
  complaints = [
    ...check('ts', COMPILER_OPTIONS),
    // A parameter without a type is no mistake in JavaScript.
    ...check('js', { ...COMPILER_OPTIONS, allowJs: true, checkJs: true, noImplicitAny: false })
  ]
})

test('README.md starts with the two commands and has an example', () => {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const [start, run] = ['npm start', 'npm test'].map(command => readme.indexOf(command))
  assert.ok(start > 0 && start < run, 'npm start, then npm test')
  assert.ok(run < readme.indexOf('\n## '), 'before the first heading')
  assert.ok(snippets.some(({ document, language }) => document === 'README.md' && language === 'ts'))
})

for (const document of DOCUMENTS) {
  const count = snippets.filter(snippet => snippet.document === document).length
  if (count === 0) continue
  test(`${document}: ${count} ${count === 1 ? 'snippet compiles' : 'snippets compile'}`, () => {
    assert.deepEqual(
      complaints.filter(complaint => complaint.startsWith(`${document}:`)),
      []
    )
  })
}

test('the compiler has nothing else to say', () => {
  assert.deepEqual(
    complaints.filter(complaint => !DOCUMENTS.some(document => complaint.startsWith(`${document}:`))),
    []
  )
})

function snippetsOf(document) {
  const found = []
  const lines = fs.readFileSync(path.join(ROOT, document), 'utf8').split('\n')
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(js|javascript|ts|typescript)\s*$/.exec(lines[i])?.[1]
    if (!language) continue
    const first = i + 1
    while (++i < lines.length && !lines[i].startsWith('```'));
    const code = lines.slice(first, i).join('\n')
    found.push({ document, language: language.startsWith('t') ? 'ts' : 'js', line: first, code })
  }
  return found
}

/** @returns {string[]} the compiler's complaints, with the lines of the documents */
function check(language, compilerOptions) {
  const folder = path.join(FOLDER, language)
  const chosen = snippets.filter(snippet => snippet.language === language)
  if (chosen.length === 0) return []
  fs.mkdirSync(folder, { recursive: true })
  const documents = new Map()
  for (const { document, line, code } of chosen) {
    const isCommonJs = /\brequire\(/.test(code)
    const name = `${document.replace(/\W/g, '-')}-${line}.${isCommonJs ? 'c' : 'm'}${language}`
    documents.set(name, document)
    // Blank lines in front make the compiler count as the document does.
    fs.writeFileSync(path.join(folder, name), '\n'.repeat(line) + code + '\n')
  }
  fs.writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: [...documents.keys(), path.join(__dirname, 'context.d.ts')] })
  )
  const { stdout, stderr, status } = spawnSync(process.execPath, [TSC, '--pretty', 'false', '-p', folder], {
    cwd: folder,
    encoding: 'utf8'
  })
  // Indented lines go on explaining the one before.
  const lines = `${stdout}${stderr}`.split(/\n(?!\s)/).filter(Boolean)
  if (status !== 0 && lines.length === 0) lines.push(`tsc ended with ${status}`)
  return lines.map(text =>
    text.replace(/^([^(\s]+)\((\d+),/, (all, name, line) => {
      const document = documents.get(path.basename(name))
      return document ? `${document}:${line}: (column ` : all
    })
  )
}
