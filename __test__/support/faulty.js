'use strict'

const path = require('node:path')
const { build } = require('../../scripts/build.js')
const { runScript } = require('./child.js')

const BINDING = path.join(__dirname, '..', '..', 'lib', 'native', 'binding.js')

let built

/**
 * Runs a script in a process of its own whose engine fails when it is told to: `faults(endpoint)`
 * gives the native endpoint, with `panicThread(thread)` and `panicTransport(id)`.
 */
function runFaulty(script) {
  // Without mixing, which has tests of its own in Rust: it would take long to build.
  built ??= build({ debug: true, mixing: false, faults: true })
  return runScript(
    `
    const binding = require.resolve(${JSON.stringify(BINDING)})
    require.cache[binding] = Object.assign(new module.constructor(binding), {
      loaded: true,
      exports: require(${JSON.stringify(built)})
    })
    const medialoom = require('./index.js')
    const { once } = require('node:events')
    const { kDispatcher } = require('./lib/object/internal.js')
    const faults = endpoint => endpoint[kDispatcher].native
    ${script}
  `,
    { milliseconds: 60_000 }
  )
}

module.exports = { runFaulty }
