'use strict'

const { spawnSync } = require('node:child_process')
const { findProgram } = require('../lib/native/toolchain.js')

/** The first with WebDriver BiDi complete enough for puppeteer-core. */
const OLDEST = 129

/**
 * Path of a Firefox for the tests with real clients, or `null`: the one named by `FIREFOX`, or one
 * that the system brings. Ubuntu's `firefox` is a stub that wants snap and tells no version.
 */
function findFirefox() {
  if (process.env.FIREFOX) return process.env.FIREFOX
  for (const program of ['firefox-esr', 'firefox']) {
    const file = findProgram(program)
    if (file && majorVersion(file) >= OLDEST) return file
  }
  return null
}

function majorVersion(file) {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  return Number(/Firefox (\d+)/.exec(stdout ?? '')?.[1] ?? 0)
}

module.exports = { findFirefox }
