'use strict'

const readline = require('node:readline')
const { spawn } = require('node:child_process')

/** A running `medialoom-load`: JSON in, JSON out, a line each. */
class Load {
  #process
  #reports
  #ended

  constructor(program, command, first) {
    this.#process = spawn(program, [command], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#ended = new Promise(resolve => this.#process.once('close', resolve))
    // What is told to a program that has ended is told to nobody.
    this.#process.stdin.on('error', () => {})
    this.#reports = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
    this.tell(first)
  }

  get pid() {
    return this.#process.pid
  }

  tell(instruction) {
    this.#process.stdin.write(`${JSON.stringify(instruction)}\n`)
  }

  /** The next report; fails when the program has ended. */
  async next() {
    const { value, done } = await this.#reports.next()
    if (done) throw new Error('the load generator ended early')
    const report = JSON.parse(value)
    if (report.type === 'failed') throw new Error(report.reason)
    return report
  }

  /** Ends it at once: its clients vanish without a word. */
  async kill() {
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** Lets it end, and waits for that. */
  async close() {
    this.#process.stdin.end()
    await this.#ended
  }
}

/** @returns {Promise<{ seal: number, seal_and_send: number, receive_and_open: number }[]>} nanoseconds a packet */
async function measureFloors(program, shapes) {
  const load = new Load(program, 'floor', shapes)
  const floors = await load.next()
  await load.close()
  return floors
}

module.exports = { Load, measureFloors }
