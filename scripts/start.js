'use strict'

/** `npm start`: sets up what is missing, builds what changed and serves the room page. */

const Module = require('node:module')
const path = require('node:path')
const { setUp } = require('./setup.js')
const { build } = require('./build.js')
const { missingTools } = require('../lib/native/toolchain.js')
const { stopWithParent } = require('./parent.js')

try {
  setUp()
  const lacking = missingTools().filter(tool => tool.mixing)
  if (lacking.length > 0) {
    console.error(['Rooms will not mix. For that there is missing here:', ...lacking.map(t => `  ${t.name} (${t.hint})`)].join('\n'))
  }
  build({ mixing: lacking.length === 0 })
} catch (error) {
  console.error(error.message)
  process.exit(1)
}

if (process.env.npm_lifecycle_event === 'start') stopWithParent()

// The server takes this process over: signals and the terminal reach it directly.
process.argv[1] = path.join(__dirname, '..', 'examples', 'room-server', 'server.js')
Module.runMain()
