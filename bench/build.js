'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { missingTools } = require('../lib/native/toolchain.js')
const { version } = require('../package.json')

const ROOT = path.join(__dirname, '..')

/**
 * Builds the clients' program, which takes minutes the first time.
 * @returns {string} its path
 */
function buildLoad() {
  if (process.platform !== 'linux') {
    throw new Error('the benchmark needs Linux: its clients use recvmmsg, epoll and segmentation offload of UDP')
  }
  const { executable } = cargo(['build', '--release'], {
    folder: path.join(__dirname, 'load'),
    target: besideModule('load'),
    what: "the benchmark's clients",
    wanted: message => message.executable
  })
  return executable
}

/**
 * Builds the simulation of networks, which shares its peers with the tests: in a checkout alone.
 * @returns {string} its path
 */
function buildNetwork() {
  if (!isCheckout()) throw new Error('the simulation of networks needs a checkout: it shares its peers with the tests')
  const { executable } = cargo(['build', '--release'], {
    folder: path.join(__dirname, 'network'),
    target: targetFolder('network'),
    what: 'the simulation of networks',
    wanted: message => message.executable
  })
  return executable
}

/**
 * Builds the benchmark of mixing.
 * @returns {string} its path
 */
function buildMix() {
  const { executable } = cargo(['build', '--release'], {
    folder: path.join(__dirname, 'mix'),
    target: targetFolder('mix'),
    what: 'the benchmark of mixing',
    wanted: message => message.executable
  })
  return executable
}

/**
 * Builds the benchmark of recording.
 * @returns {string} its path
 */
function buildRecord() {
  const { executable } = cargo(['build', '--release'], {
    folder: path.join(__dirname, 'record'),
    target: targetFolder('record'),
    what: 'the benchmark of recording',
    wanted: message => message.executable
  })
  return executable
}

/**
 * Builds the native module so that it counts its allocations, apart from the one that is in use.
 * @returns {string} its path
 */
function buildCounting() {
  const { filenames } = cargo(['build', '--release', '--lib', '--features', 'allocation-counter'], {
    folder: ROOT,
    target: besideModule('counting'),
    what: 'the module that counts allocations',
    wanted: message => message.target.name === 'medialoom' && message.filenames.some(isLibrary)
  })
  // The next build without the feature puts its own in this place.
  const module = path.join(targetFolder('counting'), 'medialoom.node')
  fs.mkdirSync(path.dirname(module), { recursive: true })
  fs.copyFileSync(filenames.find(isLibrary), module)
  return module
}

function isLibrary(file) {
  return /\.(so|dylib|dll)$/.test(file)
}

/** Runs cargo, which puts what it makes into `target`, and gives the message of it that is `wanted`. */
function cargo(args, { folder, target, what, wanted }) {
  const missing = missingTools()
  if (missing.length > 0) {
    const tools = missing.map(tool => `  ${tool.name} (${tool.hint})`)
    throw new Error([`Building ${what} needs what is missing here:`, ...tools].join('\n'))
  }
  if (!fs.existsSync(target)) console.error(`building ${what} in ${target}, which takes some minutes the first time`)
  const { error, status, stdout } = spawnSync(
    'cargo',
    [...args, '--locked', '--message-format=json-render-diagnostics', '--target-dir', target],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 256 * 1024 * 1024 }
  )
  if (error) throw error
  if (status !== 0) throw new Error(`${what} did not build`)
  for (const line of stdout.toString().split('\n').reverse()) {
    if (!line.startsWith('{')) continue
    const message = JSON.parse(line)
    if (message.reason === 'compiler-artifact' && wanted(message)) return message
  }
  throw new Error(`cargo built no ${what}`)
}

/** In a checkout where `npm run build` has compiled what is needed here too. */
function besideModule(name) {
  return isCheckout() ? path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target') : targetFolder(name)
}

/** In a checkout below its own `target`; an installed package may not be writable and is replaced often. */
function targetFolder(name) {
  if (isCheckout()) return path.join(ROOT, 'target', 'bench', name)
  return path.join(cacheFolder(), 'medialoom', version, name)
}

function isCheckout() {
  return fs.existsSync(path.join(ROOT, '.git'))
}

/** Where the system keeps what can be made again. */
function cacheFolder(env = process.env, platform = process.platform, home = os.homedir()) {
  if (platform === 'win32') return env.LOCALAPPDATA || path.join(home, 'AppData', 'Local')
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches')
  // The XDG Base Directory Specification: a relative path is to be ignored.
  return path.isAbsolute(env.XDG_CACHE_HOME ?? '') ? env.XDG_CACHE_HOME : path.join(home, '.cache')
}

module.exports = { buildCounting, buildLoad, buildMix, buildNetwork, buildRecord, cacheFolder, isCheckout }
