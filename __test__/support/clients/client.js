'use strict'

const { fork } = require('node:child_process')
const path = require('node:path')
const { within } = require('../events.js')

/**
 * A WebRTC client in a process of its own, so that it goes on while JavaScript is blocked here.
 * What it understands: `start`, `acceptAnswer`, `acceptOffer`, `send`, `report`, `stopSending`.
 */
class Client {
  #process
  #calls = new Map()
  #lastCall = 0
  /** Milliseconds that a call may take. */
  patience = 20_000

  static async start(t, name) {
    const env = { ...process.env }
    delete env.NODE_TEST_CONTEXT
    const child = fork(path.join(__dirname, `${name}.js`), { env, serialization: 'advanced' })
    t.after(() => child.kill('SIGKILL'))
    const client = new Client(child)
    await within(20_000, client.ready, `start of ${name}`)
    return client
  }

  constructor(child) {
    this.#process = child
    this.ready = new Promise((resolve, reject) => {
      child.on('message', ({ ready, id, value, error }) => {
        if (ready) return resolve()
        const call = this.#calls.get(id)
        this.#calls.delete(id)
        if (error) call.reject(new Error(error))
        else call.resolve(value)
      })
      child.on('exit', (code, signal) => {
        const error = new Error(`the client ended with ${signal ?? code}`)
        reject(error)
        for (const call of this.#calls.values()) call.reject(error)
      })
    })
  }

  get pid() {
    return this.#process.pid
  }

  kill() {
    this.#process.kill('SIGKILL')
  }

  call(method, ...args) {
    const id = ++this.#lastCall
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }))
    this.#process.send({ id, method, args })
    return within(this.patience, answer, method)
  }
}

module.exports = { Client }
