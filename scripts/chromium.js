'use strict'

const fs = require('node:fs')
const { findProgram } = require('../lib/native/toolchain.js')

/**
 * Path of a Chromium for the browser tests, or `null`: the one named by `CHROMIUM`, one that the
 * system brings, or one that playwright-core downloaded.
 */
function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM
  for (const program of ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']) {
    const file = findProgram(program)
    if (file) return file
  }
  try {
    const file = require('playwright-core').chromium.executablePath()
    if (fs.existsSync(file)) return file
  } catch {}
  return null
}

module.exports = { findChromium }
