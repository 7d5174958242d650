'use strict'

/**
 * `npm test`: sets up what is missing, builds what changed and runs every check there is, as CI
 * does. Ends with the line `N passed, N failed`; a check that crashed or found nothing to run
 * counts as failed.
 *
 *   npm test -- rust node      only the sections whose names begin so (see SECTIONS)
 */

const path = require('node:path')
const { setUp } = require('./setup.js')
const { kindOf, placeOf, testFiles, typeScriptProjects } = require('./test/files.js')
const { cargoTest, command, nodeTest, scriptStep, step } = require('./test/jobs.js')
const { Results } = require('./test/results.js')
const { ROOT } = require('./test/run.js')

/** Every section builds with it, so that cargo compiles no crate twice for the sake of a feature. */
const FEATURES = ['--features', 'fault-injection,mcu', '--locked']
const ENGINE = ['--no-fail-fast', '--no-default-features', ...FEATURES]
/** A copy of somebody else's crate that was changed here is nobody else's to test. */
const VENDORED = ['--package', 'dimpl', '--lib', '--locked']
/** Where `buildLoad` builds them, with what it compiles too. */
const CLIENTS = ['--manifest-path', 'bench/load/Cargo.toml', '--locked', '--target-dir', process.env.CARGO_TARGET_DIR ?? 'target']
const CHECKED = ['debug-assertions', 'overflow-checks'].flatMap(name => ['--config', `profile.release.package.medialoom-load.${name}=true`])
const WARNINGS = ['--', '-D', 'warnings']

/**
 * What runs beside what, on two processors: stages one after the other, and in each of them lanes beside
 * each other, which take so many pieces at once.
 *
 * The module is what most tests wait for, and what compiles it leaves little to others. Most tests leave
 * half of the machine idle, which compilers have then: those yield, so that no test has to notice them, and
 * more tests at once would gain nothing. What measures something comes when all the rest is done.
 */
const STAGES = [
  [
    { kind: 'module', atOnce: 1, live: true },
    { kind: 'check', atOnce: 1 }
  ],
  [
    { kind: 'waiting', atOnce: 2 },
    // One at a time, as they share a target directory.
    { kind: 'compile', atOnce: 1, yields: true }
  ],
  [{ kind: 'rust', atOnce: 1, live: true }],
  [{ kind: 'attacks', atOnce: 2 }],
  [{ kind: 'measuring', atOnce: 2 }],
  [{ kind: 'alone', atOnce: 1 }]
]

/**
 * @typedef {object} Piece
 * @property {string} kind the lane that takes it
 * @property {string} name
 * @property {import('./test/jobs.js').Job} job
 * @property {number} [place] the higher, the later it begins
 */

/** @returns {(name: string, job: import('./test/jobs.js').Job) => Piece} */
const piece = kind => (name, job) => ({ kind, name, job })
const check = piece('check')
const compile = piece('compile')
const rust = piece('rust')

/** @type {Record<string, () => Piece[]>} */
const SECTIONS = {
  format: () => [
    check('cargo fmt', command('cargo', ['fmt', '--check'])),
    check('prettier', command('node_modules/.bin/prettier', ['--log-level=warn', '--check', '**/*.{js,mjs}']))
  ],
  'clippy-engine': () => [
    compile('clippy', command('cargo', ['clippy', '--all-targets', '--no-default-features', ...FEATURES, ...WARNINGS]))
  ],
  // The library alone: in a test build napi registers nothing, so that all of the binding looks unused.
  'clippy-node': () => [compile('clippy', command('cargo', ['clippy', '--lib', ...FEATURES, ...WARNINGS]))],
  lint: () => [check('eslint', command('node_modules/.bin/eslint', ['--max-warnings=0', '.']))],
  types: () => typeScriptProjects().map(project => check(project, command('node_modules/.bin/tsc', ['-p', project]))),
  architecture: () => nodeTests(testFiles('architecture'), () => 'check'),
  rust: () => [
    compile('the engine compiles', step('cargo', ['test', '--no-run', ...ENGINE])),
    compile('DTLS compiles', step('cargo', ['test', '--no-run', ...VENDORED])),
    rust('the engine', cargoTest(ENGINE)),
    rust('DTLS', cargoTest(VENDORED))
  ],
  // The benchmark's clients, crates of their own.
  bench: () => [
    ...['load', 'micro', 'mix', 'network'].map(name =>
      check(`cargo fmt, ${name}`, command('cargo', ['fmt', '--manifest-path', `bench/${name}/Cargo.toml`, '--check']))
    ),
    compile('clippy', command('cargo', ['clippy', ...CLIENTS, '--all-targets', ...WARNINGS])),
    compile('the clients', cargoTest(['--release', ...CLIENTS, ...CHECKED]))
  ],
  docs: () => nodeTests(testFiles('docs'), () => 'check'),
  node: () => nodeTests(testFiles('', ['architecture', 'attacks', 'browser', 'client', 'docs', 'examples', 'package'])),
  attacks: () => nodeTests(testFiles('attacks')),
  client: () => nodeTests(testFiles('client')),
  package: () => nodeTests(testFiles('package')),
  examples: () => nodeTests(testFiles('examples')),
  browser: () => nodeTests(testFiles('browser'))
}
/** The sections that load the native module. */
const NEED_MODULE = ['node', 'attacks', 'client', 'package', 'examples', 'browser']

/** What the tests of these sections load or start, and would build themselves where it is not there. */
const PROGRAMS = [
  { sections: NEED_MODULE, piece: piece('module')('the native module', scriptStep('./scripts/build.js', 'build()')) },
  { sections: ['node', 'attacks'], piece: piece('module')('the load generator', scriptStep('./bench/build.js', 'buildLoad()')) },
  {
    sections: ['node'],
    piece: compile(
      'a module that fails when it is told to',
      scriptStep('./scripts/build.js', 'build({ debug: true, mixing: false, faults: true })')
    )
  }
]

/**
 * @param {string[]} files
 * @param {(file: string) => string} [kind]
 * @returns {Piece[]}
 */
function nodeTests(files, kind = kindOf) {
  return files.map(file => ({ ...piece(kind(file))(path.relative(ROOT, file), nodeTest(file)), place: placeOf(file) }))
}

async function main(wanted) {
  const started = Date.now()
  const chosen = Object.keys(SECTIONS).filter(name => wanted.length === 0 || wanted.some(prefix => name.startsWith(prefix)))
  if (chosen.length === 0) throw new Error(`no section begins so; there are: ${Object.keys(SECTIONS).join(', ')}`)
  const results = new Results()

  console.log('\n=== set-up')
  // Whatever is missing fails in its own section; the others still have something to say.
  await results.add('set-up', 'set-up', async () => {
    setUp({ test: true })
    return { passed: 0, failed: 0, shown: '' }
  })

  const pieces = chosen.flatMap(section => {
    const found = SECTIONS[section]()
    if (found.length === 0) results.fail(section, 'found nothing to run')
    return found.map(piece => ({ section, ...piece }))
  })
  pieces.sort((a, b) => (a.place ?? 0) - (b.place ?? 0))
  const programs = PROGRAMS.filter(({ sections }) => sections.some(name => chosen.includes(name)))
  pieces.unshift(...programs.map(({ piece }) => ({ section: 'build', ...piece })))

  for (const stage of STAGES) {
    const lanes = stage.map(({ kind, ...how }) => ({ taken: pieces.filter(piece => piece.kind === kind), how }))
    await Promise.all(lanes.map(({ taken, how }) => lane(taken, how, results)))
    if (stage[0].kind === 'module' && results.failed('build')) {
      const without = pieces.filter(({ section }) => NEED_MODULE.includes(section))
      for (const section of new Set(without.map(({ section }) => section)))
        results.fail(section, 'not run: what its tests load is not there')
      for (const piece of without) pieces.splice(pieces.indexOf(piece), 1)
    }
  }
  results.print((Date.now() - started) / 1000)
}

/**
 * Runs pieces in their order, so many at once.
 *
 * @param {(Piece & { section: string })[]} pieces
 * @param {{ atOnce?: number, yields?: boolean, live?: boolean }} how
 * @param {InstanceType<typeof Results>} results
 */
async function lane(pieces, { atOnce = 1, ...how }, results) {
  const waiting = [...pieces]
  const next = async () => {
    for (let piece = waiting.shift(); piece; piece = waiting.shift()) {
      const { section, name, job } = piece
      if (how.live) console.log(`\n=== ${section}: ${name}`)
      const { shown, seconds } = await results.add(section, name, () => job(how))
      // In one piece, as others run meanwhile.
      if (!how.live) console.log(`\n=== ${section}: ${name} (${seconds.toFixed(1)} s)\n${shown.trimEnd()}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
