'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

/**
 * Runs a script, which may `require` files of this package by their path from its root, in a
 * process of its own. Resolves with how it ended and what it wrote; kills it after `milliseconds`.
 */
function runScript(script, { milliseconds = 20_000, flags = [] } = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env }
    // Set by the test runner; a child that runs no tests would report in its format.
    delete env.NODE_TEST_CONTEXT
    const started = Date.now()
    const child = spawn(process.execPath, [...flags, '-e', script], { cwd: ROOT, env })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, output, milliseconds: Date.now() - started })
    })
  })
}

module.exports = { runScript }
