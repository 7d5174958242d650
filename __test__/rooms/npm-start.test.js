'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { within } = require('../support/events.js')

const PARENT = path.join(__dirname, '../../scripts/parent.js')

test(
  'a server whose npm was killed says goodbye and ends',
  { skip: process.platform === 'win32' ? 'it needs a shell' : false },
  async t => {
    const server = `
    require(${JSON.stringify(PARENT)}).stopWithParent()
    process.on('SIGTERM', () => { console.log('goodbye'); process.exit() })
    console.log(process.pid)
    setInterval(() => {}, 1000)
  `
    // Two commands, so that the shell stays between, as npm's does.
    const shell = spawn('sh', ['-c', '"$0" -e "$1"; true', process.execPath, server], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    shell.stdout.on('data', text => (said += text))
    await within(20_000, once(shell.stdout, 'data'), 'the server to start')
    const pid = Number(said)
    t.after(() => {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {}
    })
    shell.kill()
    // The pipe ends with the last of them.
    await within(20_000, once(shell.stdout, 'end'), 'the server to end')
    assert.match(said, /goodbye/)
  }
)
