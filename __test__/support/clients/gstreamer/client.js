'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')
const { until } = require('../../events.js')

/** A webrtcbin in a process of its own; what it does is told in `client.py`. */
class GStreamerClient {
  /** What the client last wrote of each field. @type {Record<string, any>} */
  told = {}

  /** @param {string} python one that has GStreamer @param {string[]} args of `client.py` */
  static start(t, python, args) {
    const child = spawn(python, [path.join(__dirname, 'client.py'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    return new GStreamerClient(child)
  }

  constructor(child) {
    let complaints = ''
    child.stderr.on('data', data => (complaints = `${complaints}${data}`.slice(-2000)))
    readline.createInterface({ input: child.stdout }).on('line', line => Object.assign(this.told, JSON.parse(line)))
    child.on('error', error => (this.told.error = String(error)))
    child.on('exit', (code, signal) => (this.told.error ??= `ended with ${signal ?? code}: ${complaints}`))
  }

  /** Waits until what the client tells will do; fails at once when it tells of an error. */
  until(isGood, what, milliseconds = 15_000) {
    return until(
      () => {
        if (this.told.error) throw new Error(`${what}: ${this.told.error}`)
        return isGood(this.told)
      },
      what,
      milliseconds
    )
  }
}

module.exports = { GStreamerClient }
