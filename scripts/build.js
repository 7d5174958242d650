'use strict'

/**
 * Builds the native module with cargo and puts it next to package.json, where lib/native/binding.js looks
 * first. Works in a checkout and in an installed package alike, so it needs nothing but Node, cargo
 * and a C compiler. Cargo decides what is out of date: with nothing changed this takes a moment.
 *
 *   --debug            without optimisation: quick to build, slow to run
 *   --target TRIPLE    for another platform, as rustc names it
 *   --without-mixing   needs neither cmake, nasm nor libvpx; `createMixer` is refused then
 */

const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { platformName } = require('../lib/native/platform.js')
const { missingTools } = require('../lib/native/toolchain.js')

const ROOT = path.join(__dirname, '..')

const PLATFORM_OF_TARGET = {
  'x86_64-unknown-linux-gnu': 'linux-x64-gnu',
  'x86_64-unknown-linux-musl': 'linux-x64-musl',
  'aarch64-unknown-linux-gnu': 'linux-arm64-gnu',
  'aarch64-unknown-linux-musl': 'linux-arm64-musl',
  'x86_64-apple-darwin': 'darwin-x64',
  'aarch64-apple-darwin': 'darwin-arm64',
  'x86_64-pc-windows-msvc': 'win32-x64-msvc'
}

/**
 * `faults` makes one for tests, that fails when it is told to, at another place than the one that is used.
 * `command` is what of cargo builds it; `out` the folder that the module is put into.
 *
 * @param {{ debug?: boolean, target?: string, mixing?: boolean, faults?: boolean, command?: string, out?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {string} path of the module that was built
 */
function build({ debug = false, target, mixing = true, faults = false, command = 'build', out = ROOT, env: given = process.env } = {}) {
  const missing = missingTools(given, { mixing })
  if (missing.length > 0) {
    throw new Error(
      [
        'Building medialoom needs what is missing here:',
        ...missing.map(t => `  ${t.name} (${t.hint})`),
        ...(missing.every(t => t.mixing) ? ['Without mixing it can be built with: npx medialoom build --without-mixing'] : [])
      ].join('\n')
    )
  }
  // cargo-zigbuild takes the version of glibc behind the target.
  const platform = target ? PLATFORM_OF_TARGET[target.replace(/\.[\d.]+$/, '')] : platformName()
  if (!platform) throw new Error(`unknown target ${target}`)

  const args = [command, '--lib', '--locked', '--message-format=json-render-diagnostics']
  if (!debug) args.push('--release')
  if (target) args.push('--target', target)
  if (!mixing) args.push('--no-default-features')
  const features = [...(mixing ? [] : ['node']), ...(faults ? ['fault-injection'] : [])]
  if (features.length > 0) args.push('--features', features.join())
  const env = { ...given }
  // A static C library cannot be loaded into a running Node.
  if (platform.endsWith('-musl')) env.RUSTFLAGS = `${env.RUSTFLAGS ?? ''} -C target-feature=-crt-static`.trim()

  const cargo = spawnSync('cargo', args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 256 * 1024 * 1024
  })
  if (cargo.error) throw cargo.error
  if (cargo.status !== 0) throw new Error(`cargo ${args.join(' ')} failed`)

  const library = dynamicLibrary(cargo.stdout.toString())
  const module = faults ? path.join(path.dirname(library), 'medialoom.faults.node') : path.join(out, `medialoom.${platform}.node`)
  if (!sameFile(library, module)) {
    // Renamed into place: a process that has the old one mapped keeps it.
    const fresh = `${module}.${process.pid}`
    fs.copyFileSync(library, fresh)
    fs.renameSync(fresh, module)
  }
  return module
}

/** Where cargo says it put the cdylib: `CARGO_TARGET_DIR` and cargo's configuration may move it. */
function dynamicLibrary(messages) {
  for (const line of messages.split('\n').reverse()) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.reason !== 'compiler-artifact' || message.target.name !== 'medialoom') continue
    const file = message.filenames.find(name => /\.(so|dylib|dll)$/.test(name))
    if (file) return file
  }
  throw new Error('cargo built no dynamic library')
}

function sameFile(a, b) {
  return fs.existsSync(b) && fs.readFileSync(a).equals(fs.readFileSync(b))
}

/** Cargo's intermediate files are some hundred megabytes that an installed package has no use for. */
function dropIntermediateFiles() {
  if (!fs.existsSync(path.join(ROOT, '.git'))) fs.rmSync(path.join(ROOT, 'target'), { recursive: true, force: true })
}

function run(argv) {
  const options = {}
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--debug') options.debug = true
    else if (argv[i] === '--without-mixing') options.mixing = false
    else if (argv[i] === '--target' && argv[i + 1]) options.target = argv[++i]
    else throw new Error(`unknown argument ${argv[i]}`)
  }
  const module = build(options)
  dropIntermediateFiles()
  console.log(`built ${path.relative(process.cwd(), module)}`)
}

/** Runs it, and says what went wrong. */
function main(argv) {
  try {
    run(argv)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

module.exports = { build, dropIntermediateFiles, main, PLATFORM_OF_TARGET }

if (require.main === module) main(process.argv.slice(2))
