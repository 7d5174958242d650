'use strict'

const os = require('node:os')
const { startProcess } = require('./field.js')
const { until } = require('../events.js')

/** What an attack costs its own process is not to take the time of those who are attacked. */
const NICENESS = 10

/** A program that takes part as anybody may, and can be told to attack; again and again, as somebody else. */
class Attacker {
  #process
  #server
  #id

  /** @param {string} name a script of this folder */
  static async start(t, server, name) {
    const attacker = new Attacker()
    attacker.#process = await startProcess(t, name)
    attacker.#server = server
    os.setPriority(attacker.#process.pid, NICENESS)
    return attacker
  }

  /** Takes part, and is connected. @param {object} [options] `watches`: see server.js */
  async join(options = {}) {
    const { id, sdp } = await this.#server.call('join', await this.call('start', options), options)
    this.#id = id
    await this.call('acceptAnswer', sdp)
    await until(async () => (await this.#server.call('state', id)) === 'connected', 'attacker connected')
  }

  call(method, ...args) {
    return this.#process.call(method, ...args)
  }

  /** Attacks until the function that this gives is called. */
  async attack(t, name, perSecond) {
    await this.call('attack', name, perSecond)
    return async () => {
      const sent = await this.call('stop')
      if (this.#id === undefined) return t.diagnostic(`${sent} sent`)
      const { errors, reason, packets } = await this.#server.call('fate', this.#id)
      t.diagnostic(`${sent} sent; ${reason ? `closed (${[reason, ...errors].join(', ')})` : `still there, ${packets} packets came`}`)
      // What it still has to send would be more of the attack.
      await this.call('leave')
    }
  }
}

module.exports = { Attacker }
