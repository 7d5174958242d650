'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { findChromium } = require('../chromium.js')

const ROOT = path.join(__dirname, '..', '..')
const MINUTE = 60_000
/** Of what yields: a tenth of what others get, so that it ends some day where others never rest. */
const NICENESS = 10

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * Runs a program in the root of the project and keeps what it prints, for the reader to see at its end and
 * in one piece: several run at once.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {object} [how]
 * @param {number} [how.minutes] after so many it is killed, as what hangs is
 * @param {boolean} [how.yields] it leaves most of the processors to others
 * @param {boolean} [how.live] what it prints is seen as it comes
 * @returns {Promise<{ ok: boolean, output: string, shown: string }>} what came on stdout, and on stdout and stderr
 */
function run(program, args, { yields = false, minutes = yields ? 60 : 20, live = false } = {}) {
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
    running.add(child)
    if (yields && child.pid) giveWay(child.pid)
    const output = []
    const shown = [`> ${commandLine(program, args)}\n`]
    const show = chunk => {
      shown.push(chunk)
      if (live) process.stdout.write(chunk)
    }
    child.stdout.on('data', chunk => {
      output.push(chunk)
      show(chunk)
    })
    child.stderr.on('data', show)
    const timer = setTimeout(() => {
      show(Buffer.from(`${program} took more than ${minutes} minutes: killed\n`))
      killTree(child)
    }, minutes * MINUTE)
    const end = ok => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ ok, output: text(output), shown: text(shown) })
    }
    child.on('error', error => {
      show(Buffer.from(`${error.message}\n`))
      end(false)
    })
    child.on('close', code => end(code === 0))
    // A grandchild left behind may hold the pipes open: the rest of the output is not worth waiting for long.
    child.on('exit', code => setTimeout(() => end(code === 0), 2000).unref())
  })
}

/** What runs in sessions of its own does not hear of it when whoever waits for it is told to end. */
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    for (const child of running) killTree(child)
    process.kill(process.pid, signal)
  })
}

function commandLine(program, args) {
  return [program === process.execPath ? 'node' : program, ...args].join(' ')
}

function text(chunks) {
  return Buffer.concat(chunks.map(chunk => Buffer.from(chunk))).toString()
}

/** Leaves most of the processors to whoever else wants them, and whoever it starts does too. */
function giveWay(pid) {
  try {
    os.setPriority(pid, NICENESS)
    // Linux shares time between sessions first, and heeds niceness among the processes of one (sched(7)).
    if (process.platform === 'linux') fs.writeFileSync(`/proc/${pid}/autogroup`, `${NICENESS}`)
  } catch {
    // It has ended, or the kernel knows no such groups.
  }
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

module.exports = { ROOT, run }
