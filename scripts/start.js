'use strict'

/** `npm start`: sets up what is missing, builds what changed and serves the room page. */

const Module = require('node:module')
const path = require('node:path')
const { setUp } = require('./setup.js')
const { build } = require('./build.js')
const { stopWithParent } = require('./parent.js')

try {
  setUp()
  build()
} catch (error) {
  console.error(error.message)
  process.exit(1)
}

if (process.env.npm_lifecycle_event === 'start') stopWithParent()

// The server takes this process over: signals and the terminal reach it directly.
process.argv[1] = path.join(__dirname, '..', 'examples', 'room-server', 'server.js')
Module.runMain()
