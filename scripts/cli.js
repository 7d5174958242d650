#!/usr/bin/env node
'use strict'

/** `npx medialoom`: what the package can do on the command line. */

const USAGE = `medialoom serve   runs the room server, for who has no application of their own; see --help
medialoom build   builds the native module from source
medialoom ctl     looks after a room server that runs: rooms, participants, kick, mute, record, token; see --help
medialoom bench   measures what forwarding costs, or loads a WHIP/WHEP server; see --help
`

const [command, ...rest] = process.argv.slice(2)
switch (command) {
  case 'serve':
    void require('./serve.js').main(rest)
    break
  case 'build':
    require('./build.js').main(rest)
    break
  case 'ctl':
    require('./ctl.js').main(rest)
    break
  case 'bench':
    require('../bench/run.js').main(rest)
    break
  default:
    console.error(USAGE)
    process.exitCode = command === undefined || command === '--help' ? 0 : 1
}
