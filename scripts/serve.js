'use strict'

/**
 * `npx medialoom serve`: runs the room server. It is a package of its own, because it has dependencies
 * and medialoom has none; whoever writes an application of their own need not have them.
 */

const fs = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const PACKAGE = 'medialoom-room-server'

/** @param {string[]} args */
async function main(args) {
  const program = findProgram()
  if (program === null) {
    const { version } = require('../package.json')
    console.error(
      `The room server is a package of its own. This installs it, and then "npx medialoom serve" runs it:\n  npm install ${PACKAGE}@${version}`
    )
    process.exitCode = 1
    return
  }
  // It takes this process over: signals and the terminal reach it directly.
  process.argv = [process.argv[0], program, ...args]
  await import(pathToFileURL(program).href)
}

/** Beside this package, or in the project that it is run from. */
function findProgram() {
  for (const folder of [__dirname, process.cwd()]) {
    try {
      const manifest = require.resolve(`${PACKAGE}/package.json`, { paths: [folder] })
      const { bin } = JSON.parse(fs.readFileSync(manifest, 'utf8'))
      return path.join(path.dirname(manifest), bin[PACKAGE])
    } catch {
      // Not from there.
    }
  }
  return null
}

module.exports = { main }
