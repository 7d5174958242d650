'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { execFileSync } = require('node:child_process')

const MODULES = path.join(__dirname, '..', '..', 'tools', 'node_modules')

/** How to start a program of tools/, or `null` where it cannot be had. */
function findTool(name) {
  const program = path.join(MODULES, '.bin', name)
  if (!fs.existsSync(program)) return null
  const file = fs.realpathSync(program)
  const command = /\.[cm]?js$/.test(file) ? [process.execPath, file] : [file]
  try {
    execFileSync(command[0], [...command.slice(1), '--version'], { stdio: 'ignore', cwd: MODULES, timeout: 60_000 })
    return command
  } catch {
    return null
  }
}

/** A package of tools/, or `null` where it cannot be had. */
function requireTool(name) {
  try {
    return require(path.join(MODULES, name))
  } catch {
    return null
  }
}

module.exports = { findTool, requireTool }
