'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { platformName, isPrebuilt } = require('./platform.js')

const ROOT = path.join(__dirname, '..', '..')

/**
 * Loads the native module: one built here from source when there is one, else the one that the
 * package of this platform brings.
 */
function load() {
  const name = platformName()
  const attempts = []

  const local = path.join(ROOT, `medialoom.${name}.node`)
  if (fs.existsSync(local)) {
    try {
      return require(local)
    } catch (error) {
      attempts.push(`${local}: ${firstLine(error)}`)
    }
  } else {
    attempts.push(`${local}: not there`)
  }

  const platformPackage = `@medialoom/${name}`
  if (isPrebuilt(name)) {
    try {
      const { version } = require(`${platformPackage}/package.json`)
      const wanted = require('../../package.json').version
      if (version === wanted) return require(platformPackage)
      attempts.push(`${platformPackage}: is version ${version}, ${wanted} is wanted`)
    } catch (error) {
      const absent = error.code === 'MODULE_NOT_FOUND'
      attempts.push(`${platformPackage}: ${absent ? 'not installed' : firstLine(error)}`)
    }
  } else {
    attempts.push(`${platformPackage}: no such package, this platform is built from source`)
  }

  throw missing(name, attempts)
}

function missing(name, attempts) {
  // Only asked for when all is lost, so that a good start does not pay for it.
  const { missingTools } = require('./toolchain.js')
  const tools = missingTools()
  const lines = [
    `medialoom found no native module for ${name} (Node ${process.version}).`,
    ...attempts.map(attempt => `  ${attempt}`),
    'Build it from source with: npx medialoom-build'
  ]
  if (tools.length > 0) {
    lines.push('That needs what is missing here:')
    lines.push(...tools.map(tool => `  ${tool.name} (${tool.hint})`))
  }
  const error = new Error(lines.join('\n'))
  error.code = 'ERR_NATIVE_MODULE'
  return error
}

function firstLine(error) {
  return String(error.message).split('\n', 1)[0]
}

module.exports = load()
