'use strict'

const path = require('node:path')
const { fork } = require('node:child_process')
const { Client } = require('../../__test__/support/clients/client.js')
const { within } = require('../../__test__/support/events.js')

/** Milliseconds that a process may take until it answers, on a machine with other things to do. */
const PATIENCE = 150_000

/** A script that answers calls (`serve`), in a process of its own. */
class Process extends Client {
  patience = PATIENCE

  static async start(file, { args = [], flags = [], environment = {} } = {}) {
    const env = { ...environment, ...process.env }
    delete env.NODE_TEST_CONTEXT
    const child = fork(file, args, { env, serialization: 'advanced', execArgv: flags })
    const started = new Process(child)
    try {
      await within(PATIENCE, started.ready, `start of ${path.basename(file)}`)
    } catch (error) {
      await started.kill()
      throw error
    }
    return started
  }

  constructor(child) {
    super(child)
    this.gone = new Promise(resolve => child.once('exit', resolve))
  }

  /** As a machine that loses power, for all that anybody else can see. */
  async kill() {
    super.kill()
    await this.gone
  }
}

/** A client of `__test__/support/clients`, or of `bench/soak/clients`. */
function startClient(name) {
  const folder = name === 'data' ? path.join(__dirname, 'clients') : path.join(__dirname, '..', '..', '__test__', 'support', 'clients')
  return Process.start(path.join(folder, `${name}.js`))
}

module.exports = { Process, startClient }
