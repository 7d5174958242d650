'use strict'

/**
 * Runs when npm installs the package, where npm still runs such scripts. A prebuilt module that
 * loads is all there is to it; otherwise the module is built from source. `npx medialoom-build`
 * does the same by hand.
 */

const fs = require('node:fs')
const path = require('node:path')

// In a checkout `npm start` and `npm test` build what they need.
if (fs.existsSync(path.join(__dirname, '..', '.git'))) process.exit(0)

try {
  require('../lib/native/binding.js')
} catch (missing) {
  console.error(missing.message)
  const { build, dropIntermediateFiles } = require('./build.js')
  try {
    build()
    dropIntermediateFiles()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
