'use strict'

/**
 * Brings a fresh machine to where the project builds and its tests run. Every step looks first
 * whether there is anything to do, so a second run costs next to nothing.
 *
 *   node scripts/setup.js             what `npm start` needs
 *   node scripts/setup.js --test      and what `npm test` needs
 */

const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { findProgram, libvpxVersion, missingTools } = require('../lib/native/toolchain.js')
const { findChromium } = require('./chromium.js')
const { findFirefox } = require('./firefox.js')
const { GSTREAMER_PACKAGES, RTSP_PACKAGES, findGStreamer, findRtspServer } = require('./gstreamer.js')

const ROOT = path.join(__dirname, '..')
/** As `rust-version` in Cargo.toml. */
const RUST_MINOR = 89

function setUp({ test = false } = {}) {
  checkNode()
  installSystemPackages({ test })
  checkRust({ test })
  installNodePackages()
  if (test && !findChromium()) downloadChromium()
  if (test) installTools()
}

function checkNode() {
  const major = Number(process.versions.node.split('.', 1)[0])
  if (major < 20) throw new Error(`Node 20 or newer is needed, this is ${process.version}`)
}

/** Packages of the distribution: by apt-get where that may be run, else by the reader's hand. */
function installSystemPackages({ test }) {
  const packages = []
  const missing = new Set(missingTools().map(tool => tool.name))
  if (missing.has('a C compiler')) packages.push('build-essential')
  for (const tool of ['cmake', 'nasm', 'perl']) if (missing.has(tool)) packages.push(tool)
  // One that is too old is not mended by installing it again.
  const libvpx = [...missing].some(name => name.startsWith('libvpx'))
  if (libvpx && !libvpxVersion()) packages.push('libvpx-dev', 'pkg-config')
  // Ubuntu's package of that name wants snap, which containers lack; see downloadChromium.
  if (test && !findChromium() && distribution() !== 'ubuntu') packages.push('chromium', 'fonts-liberation')
  if (test) packages.push(...otherClients())
  if (packages.length === 0) return

  if (!findProgram('apt-get')) {
    throw new Error(`Install what these Debian packages hold, then try again: ${packages.join(' ')}`)
  }
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const line = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (sudo.length > 0 && (!findProgram('sudo') || !succeeds('sudo', ['-n', 'true']))) {
    throw new Error(`Run this, then try again:\n  ${line}`)
  }
  const aptGet = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get']
  run([...aptGet, 'update'])
  run([...aptGet, 'install', '-y', '--no-install-recommends', ...packages])
}

/**
 * The packages of clients that the tests meet and that are missing. Where the distribution has no
 * such packages the tests that need them are skipped and say so, and the others run.
 */
function otherClients() {
  const packages = []
  // As with Chromium: Ubuntu's Firefox wants snap.
  if (distribution() === 'debian' && !findFirefox()) packages.push('firefox-esr')
  if (['debian', 'ubuntu'].includes(distribution())) {
    if (!findGStreamer()) packages.push(...GSTREAMER_PACKAGES)
    if (!findRtspServer()) packages.push(...RTSP_PACKAGES)
  }
  return [...new Set(packages)]
}

function checkRust({ test }) {
  if (!findProgram('cargo')) {
    throw new Error(
      "Rust is missing. Install it, then try again:\n  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    )
  }
  const version = spawnSync('rustc', ['--version'], { cwd: ROOT, encoding: 'utf8' }).stdout ?? ''
  const [, major, minor] = /^rustc (\d+)\.(\d+)/.exec(version) ?? []
  if (Number(major) === 1 && Number(minor) < RUST_MINOR) {
    throw new Error(`Rust 1.${RUST_MINOR} or newer is needed, this is ${version.trim()}. Try: rustup update stable`)
  }
  if (!test) return
  for (const [command, component] of [
    ['fmt', 'rustfmt'],
    ['clippy', 'clippy']
  ]) {
    if (succeeds('cargo', [command, '--version'])) continue
    if (findProgram('rustup')) run(['rustup', 'component', 'add', component])
    else throw new Error(`cargo ${command} is missing. Install the ${component} of your Rust toolchain, then try again.`)
  }
}

function installNodePackages() {
  if (nodePackagesAreCurrent(ROOT)) return
  run(['npm', 'ci', '--no-audit', '--no-fund'])
}

/** Package managers, bundlers and what makes the site. */
function installTools() {
  const tools = path.join(ROOT, 'tools')
  if (nodePackagesAreCurrent(tools)) return
  run(['npm', 'ci', '--prefix', tools, '--no-audit', '--no-fund'])
}

/** Whether node_modules holds what package-lock.json asks for, by the record npm keeps in it. */
function nodePackagesAreCurrent(folder) {
  const wanted = packagesOf(path.join(folder, 'package-lock.json'))
  const installed = packagesOf(path.join(folder, 'node_modules', '.package-lock.json'))
  if (!wanted || !installed) return false
  return Object.entries(wanted).every(([location, entry]) => {
    // Optional packages of other platforms are not installed.
    if (location === '' || entry.optional) return true
    const found = installed[location]
    return found !== undefined && found.version === entry.version && found.integrity === entry.integrity
  })
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(fs.readFileSync(lockFile, 'utf8')).packages
  } catch {
    return null
  }
}

/** Where the distribution has no Chromium that runs everywhere, playwright-core brings one. */
function downloadChromium() {
  const withSystemPackages = process.getuid?.() === 0 || succeeds('sudo', ['-n', 'true'])
  const cli = path.join(ROOT, 'node_modules', 'playwright-core', 'cli.js')
  run([process.execPath, cli, 'install', ...(withSystemPackages ? ['--with-deps'] : []), 'chromium'])
  if (!findChromium()) throw new Error('No Chromium for the browser tests. Install one and name it: CHROMIUM=/path npm test')
}

function distribution() {
  try {
    return /^ID=["']?([^"'\n]+)/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** @param {string[]} command */
function run([program, ...args]) {
  console.log(`> ${[program, ...args].join(' ')}`)
  const { status, error } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32'
  })
  if (error) throw error
  if (status !== 0) throw new Error(`failed: ${[program, ...args].join(' ')}`)
}

function succeeds(program, args) {
  return spawnSync(program, args, { cwd: ROOT, stdio: 'ignore' }).status === 0
}

module.exports = { setUp }

if (require.main === module) {
  try {
    setUp({ test: process.argv.includes('--test') })
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
