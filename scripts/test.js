'use strict'

/**
 * `npm test`: sets up what is missing, builds what changed and runs every check there is, as CI
 * does. Ends with the line `N passed, N failed`; a check that crashed or found nothing to run
 * counts as failed.
 *
 *   npm test -- rust node      only the sections whose names begin so (see SECTIONS)
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { setUp } = require('./setup.js')
const { build } = require('./build.js')
const { findChromium } = require('./chromium.js')

const ROOT = path.join(__dirname, '..')
const MINUTE = 60_000
/** Every section builds with it, so that cargo compiles no crate twice for the sake of a feature. */
const FEATURES = ['--features', 'fault-injection,mcu', '--locked']

/**
 * What measures rates, loads, growth or the time that something takes has the machine for itself: such
 * files and folders run after the others, which mostly wait for timers and run two at a time.
 */
const ALONE = [
  'api/mixer-time.test.js',
  'attacks',
  'bench',
  'browser/bad-network.test.js',
  'browser/in-step.test.js',
  'browser/layers.test.js',
  'browser/mixed.test.js',
  'browser/sound-at-loss.test.js',
  'browser/throttled.test.js',
  'clients/bad-network.test.js',
  'clients/limited-publisher.test.js',
  'clients/speakers.test.js',
  'lifecycle',
  'package/require.test.js',
  'rooms/hostile-clients.test.js'
]

const SECTIONS = {
  format: () =>
    eachOf(
      [
        ['cargo', ['fmt', '--check']],
        ['node_modules/.bin/prettier', ['--log-level=warn', '--check', '**/*.{js,mjs}']]
      ],
      ([program, args]) => command(program, args)
    ),
  'clippy-engine': () => command('cargo', ['clippy', '--all-targets', '--no-default-features', ...FEATURES, '--', '-D', 'warnings']),
  // The library alone: in a test build napi registers nothing, so that all of the binding looks unused.
  'clippy-node': () => command('cargo', ['clippy', '--lib', ...FEATURES, '--', '-D', 'warnings']),
  lint: () => command('node_modules/.bin/eslint', ['--max-warnings=0', '.']),
  types: () => eachOf(typeScriptProjects(), project => command('node_modules/.bin/tsc', ['-p', project])),
  architecture: () => nodeTests('__test__/architecture'),
  rust: () => rustTests(),
  bench: () => benchTests(),
  docs: () => nodeTests('__test__/docs'),
  node: () => nodeTests('__test__', ['architecture', 'attacks', 'browser', 'client', 'docs', 'examples', 'package']),
  attacks: () => nodeTests('__test__/attacks'),
  client: () => nodeTests('__test__/client'),
  package: () => nodeTests('__test__/package'),
  examples: () => nodeTests('__test__/examples'),
  browser: () => nodeTests('__test__/browser')
}
/** The sections that load the native module. */
const NEED_MODULE = ['node', 'attacks', 'client', 'package', 'examples', 'browser']

async function main(wanted) {
  const started = Date.now()
  const results = []
  const section = async (name, run) => {
    console.log(`\n=== ${name}`)
    const before = Date.now()
    let result
    try {
      result = await run()
    } catch (error) {
      console.error(error.message)
      result = { passed: 0, failed: 1 }
    }
    results.push({ name, ...result, seconds: (Date.now() - before) / 1000 })
    return result.failed === 0
  }

  const chosen = Object.keys(SECTIONS).filter(name => wanted.length === 0 || wanted.some(prefix => name.startsWith(prefix)))
  if (chosen.length === 0) throw new Error(`no section begins so; there are: ${Object.keys(SECTIONS).join(', ')}`)
  // Whatever is missing fails in its own section; the others still have something to say.
  await section('set-up', () => done(() => setUp({ test: true })))
  const needModule = chosen.some(name => NEED_MODULE.includes(name))
  const built = needModule && (await section('build', () => done(() => build())))
  for (const name of chosen) {
    await section(name, () => {
      if (NEED_MODULE.includes(name) && !built) throw new Error('not run: there is no native module')
      return SECTIONS[name]()
    })
  }

  console.log(`\n=== summary (${Math.round((Date.now() - started) / 1000)} s)`)
  for (const { name, passed, failed, seconds } of results) {
    console.log(`${name.padEnd(16)} ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`)
  }
  const sum = key => results.reduce((total, result) => total + result[key], 0)
  process.exitCode = sum('failed') > 0 ? 1 : 0
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
}

/** A step of which only its end matters: not a test, unless it fails. */
function done(step) {
  step()
  return { passed: 0, failed: 0 }
}

/** A program that says all by its exit code. */
async function command(program, args) {
  const { ok } = await run(program, args, 20 * MINUTE)
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
}

async function eachOf(items, check) {
  const total = { passed: 0, failed: 0 }
  for (const item of items) {
    const { passed, failed } = await check(item)
    total.passed += passed
    total.failed += failed
  }
  return total
}

function typeScriptProjects() {
  const examples = path.join(ROOT, 'examples')
  const projects = fs.readdirSync(examples).map(name => path.join('examples', name, 'tsconfig.json'))
  return ['tsconfig.json', 'tsconfig.javascript.json', ...projects.filter(project => fs.existsSync(path.join(ROOT, project)))]
}

/** All of them, and DTLS's own. */
async function rustTests() {
  const test = ['test', '--no-fail-fast', '--no-default-features']
  // A copy of somebody else's crate that was changed here is nobody else's to test.
  const vendored = ['test', '--package', 'dimpl', '--lib', '--locked']
  return eachOf([[...test, ...FEATURES], vendored], cargoTest)
}

/** The benchmark's clients, a crate of their own, with what the engine's tests have compiled. */
async function benchTests() {
  const clients = ['--manifest-path', 'bench/load/Cargo.toml']
  const built = [...clients, '--locked', '--target-dir', process.env.CARGO_TARGET_DIR ?? 'target']
  const micro = ['--manifest-path', 'bench/micro/Cargo.toml']
  const mix = ['--manifest-path', 'bench/mix/Cargo.toml']
  const network = ['--manifest-path', 'bench/network/Cargo.toml']
  const checks = [
    ['fmt', ...clients, '--check'],
    ['fmt', ...micro, '--check'],
    ['fmt', ...mix, '--check'],
    ['fmt', ...network, '--check'],
    ['clippy', ...built, '--all-targets', '--', '-D', 'warnings']
  ]
  const checked = await eachOf(checks, args => command('cargo', args))
  const tested = await cargoTest(['test', ...built])
  return { passed: checked.passed + tested.passed, failed: checked.failed + tested.failed }
}

async function cargoTest(args) {
  const { ok, output } = await run('cargo', args, 25 * MINUTE)
  let [passed, failed] = [0, 0]
  for (const [, p, f] of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(p)
    failed += Number(f)
  }
  // A test binary that crashed or did not build prints no result of its own.
  if ((!ok || passed === 0) && failed === 0) failed = 1
  return { passed, failed }
}

/** Runs the `*.test.*` files below a folder: they share two cores, so that some of them run alone (see ALONE). */
async function nodeTests(folder, except = []) {
  const below = (file, names) => names.some(name => `${file}${path.sep}`.startsWith(path.join(ROOT, name) + path.sep))
  const files = testFiles(path.join(ROOT, folder)).filter(
    file =>
      !below(
        file,
        except.map(name => `${folder}/${name}`)
      )
  )
  if (files.length === 0) throw new Error(`no tests in ${folder}`)
  const alone = files.filter(file =>
    below(
      file,
      ALONE.map(name => `__test__/${name}`)
    )
  )
  const others = files.filter(file => !alone.includes(file))
  const runs = [
    { files: others, atOnce: 2 },
    { files: alone, atOnce: 1 }
  ]
  return eachOf(
    runs.filter(({ files }) => files.length > 0),
    ({ files, atOnce }) => nodeTestFiles(files, atOnce)
  )
}

async function nodeTestFiles(files, atOnce) {
  const report = path.join(os.tmpdir(), `medialoom-tests-${process.pid}.tap`)
  const { ok } = await run(
    process.execPath,
    [
      '--expose-gc',
      '--test',
      `--test-concurrency=${atOnce}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
      ...files.map(file => path.relative(ROOT, file))
    ],
    15 * MINUTE
  )
  const counts = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : ''
  fs.rmSync(report, { force: true })
  // The totals are the last such lines; a test may print some of its own.
  const count = name => Number([...counts.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))].pop()?.[1] ?? 0)
  const passed = count('pass')
  let failed = count('fail') + count('cancelled')
  if ((!ok || passed === 0) && failed === 0) failed = 1
  return { passed, failed }
}

function testFiles(folder) {
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder, { recursive: true })
    .map(name => path.join(folder, name))
    .filter(name => /\.test\.[cm]?js$/.test(name) && !name.includes('node_modules'))
    .sort()
}

/** Runs a program, shows what it prints as it comes, and keeps it. */
function run(program, args, timeout) {
  console.log(`> ${[program === process.execPath ? 'node' : program, ...args].join(' ')}`)
  return new Promise(resolve => {
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...builtLibaom(), ...process.env }
    // Set by the runner for its children; a nested runner would not report by itself.
    delete env.NODE_TEST_CONTEXT
    const chromium = findChromium()
    if (chromium) env.CHROMIUM = chromium
    const child = spawn(program, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32'
    })
    const chunks = []
    child.stdout.on('data', chunk => chunks.push(chunk) && process.stdout.write(chunk))
    child.stderr.on('data', chunk => process.stderr.write(chunk))
    const timer = setTimeout(() => {
      console.error(`${program} took more than ${timeout / MINUTE} minutes: killed`)
      killTree(child)
    }, timeout)
    const end = ok => {
      clearTimeout(timer)
      resolve({ ok, output: Buffer.concat(chunks).toString() })
    }
    child.on('error', error => {
      console.error(error.message)
      end(false)
    })
    child.on('close', code => end(code === 0))
    // A grandchild left behind may hold the pipes open: the rest of the output is not worth waiting for long.
    child.on('exit', code => setTimeout(() => end(code === 0), 2000).unref())
  })
}

/**
 * In a fresh checkout the tests link the libaom that the module was just built with: to build it
 * once more without optimisation takes a minute. Whoever has done so keeps it, or cargo would
 * build again whenever `npm test` and `cargo test` take turns.
 */
function builtLibaom() {
  const target = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target')
  const find = profile => {
    const builds = path.join(target, profile, 'build')
    const crates = fs.existsSync(builds) ? fs.readdirSync(builds).filter(name => name.startsWith('libaom-sys-')) : []
    return crates.map(name => path.join(builds, name, 'out', 'lib')).find(folder => fs.existsSync(path.join(folder, 'libaom.a')))
  }
  const folder = find('debug') ? undefined : find('release')
  return folder && { LIB_AOM_STATIC_LIB_PATH: folder, LIB_AOM_INCLUDE_PATH: folder, LIB_AOM_PKG_CONFIG_PATH: folder }
}

function killTree(child) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {}
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
