'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

/** A mixer of whoever sends at the moment. */
async function mixing({ server, milliseconds }) {
  // The others have joined by then.
  await sleep(milliseconds / 3)
  await server.call('mix', { milliseconds: milliseconds / 2 })
}

module.exports = { mixing }
