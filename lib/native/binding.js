'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { version } = require('../../package.json')
const { platformName, isPrebuilt } = require('./platform.js')
const { loadPrebuilt } = require('./prebuilt.js')

const ROOT = path.join(__dirname, '..', '..')
const BUNDLERS = 'https://github.com/medialoom/medialoom/blob/main/docs/bundlers.md'

/**
 * Loads the native module: one built here from source when there is one, else the one that the
 * package of this platform brings.
 */
function load() {
  const name = platformName()
  const local = path.join(ROOT, `medialoom.${name}.node`)
  // In a bundle the folder is somebody else's.
  const bundled = !isOwnFolder()
  if (!bundled && fs.existsSync(local)) {
    try {
      return loadFile(local)
    } catch (error) {
      throw failed(`${local} does not load: ${firstLine(error)}`, 'Build it anew: npx medialoom build')
    }
  }

  let prebuilt
  try {
    prebuilt = loadPrebuilt(name)
  } catch (error) {
    throw failed(`@medialoom/${name} does not load here: ${firstLine(error)}`, 'Build the module from source: npx medialoom build')
  }
  if (prebuilt?.version === version) return prebuilt.native
  if (bundled) {
    throw failed(
      `the bundle around ${__dirname} lost the native module for ${name}.`,
      `Mark medialoom as external in the bundler, and install it where the bundle runs: ${BUNDLERS}`
    )
  }
  if (prebuilt) {
    throw failed(
      `@medialoom/${name} is version ${prebuilt.version}, ${version} is wanted.`,
      `Install both anew: npm install medialoom@${version}`
    )
  }
  if (!isPrebuilt(name)) {
    throw failed(`there is no prebuilt module for ${name}.`, 'Build it from source: npx medialoom build')
  }
  throw failed(
    `@medialoom/${name} is not installed.`,
    'Install it with the other optional dependencies (npm install --include=optional), or build the module from source: npx medialoom build'
  )
}

/** As `require` does, but bundlers leave it alone. */
function loadFile(file) {
  const module = { exports: {} }
  process.dlopen(module, file)
  return module.exports
}

/** Whether this file still lies where it was installed. */
function isOwnFolder() {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).name === 'medialoom'
  } catch {
    return false
  }
}

function failed(what, then) {
  return Object.assign(new Error(`medialoom does not start: ${what}\n${then}`), { code: 'ERR_NATIVE_MODULE' })
}

function firstLine(error) {
  return String(error.message).split('\n', 1)[0]
}

module.exports = load()
