'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { fork } = require('node:child_process')
const { setTimeout: sleep } = require('node:timers/promises')
const { buildLoad } = require('../../../bench/build.js')
const { Client } = require('../clients/client.js')
const { Way } = require('../way.js')
const { within } = require('../events.js')
const { describe, harmOf, percent, stalled } = require('./harm.js')
const { Neighbours } = require('./neighbours.js')
const { between, scheduling } = require('./scheduling.js')

const BEFORE = 1000
const DURING = 2000
/** The neighbours have a second to be as they were. */
const RECOVERY = 1000
const AFTER = 1000

/** What a media thread with so few neighbours may run of the time that it can run at all. */
const BUSY = 0.3

const LINUX = { skip: process.platform !== 'linux' && 'the neighbours are clients of the load generator, which needs Linux' }

/**
 * Two endpoints in processes of their own, with honest neighbours on the only media thread of each.
 * One of them is attacked; the other one says what the machine itself does meanwhile.
 */
class Field {
  #attacked
  #control
  /** The best window without an attack, for all of them to be held against. */
  #quiet = null
  /** The process of the media thread that is attacked. */
  #attackedServer

  /** @param {object} [how] `ways`: the neighbours come by ways that others can send from, see `Way` */
  static async open(t, { ways = false } = {}) {
    const program = buildLoad()
    const field = new Field()
    field.ways = []
    field.server = await startProcess(t, 'server')
    field.#attackedServer = field.server.pid
    field.addresses = await field.server.call('open')
    const control = await startProcess(t, 'server')
    await control.call('open')
    const direct = server => offer => server.call('joinAudience', offer)
    const joining = ways ? offer => field.#joinByWay(t, offer) : direct(field.server)
    field.#attacked = await Neighbours.join(t, program, joining)
    field.#control = await Neighbours.join(t, program, direct(control))
    return field
  }

  /** Measures what neighbours that are there already see of an attack, of whatever server. */
  static between(server, attacked, control) {
    const field = new Field()
    field.#attackedServer = server.pid
    field.#attacked = attacked
    field.#control = control
    return field
  }

  async #joinByWay(t, offer) {
    const answer = await this.server.call('joinAudience', offer)
    const way = await Way.open(answer)
    t.after(() => way.close())
    this.ways.push(way)
    return way.rewrite(answer)
  }

  /**
   * Runs an attack and fails if the neighbours notice: while it lasts they keep nine tenths of their
   * frames and twice their latency, and from a second after it as well. Where the machine stalled, as
   * the neighbours of the other endpoint say or the scheduler does, it is tried once more. Where it
   * stalled both times, how much the media thread had to do has to say whether it was the attack.
   *
   * @param {string} name
   * @param {() => Promise<(() => Promise<void>) | void>} begin starts it, and gives what ends it
   */
  async holds(t, name, begin) {
    for (let attempt = 0; ; attempt++) {
      const seen = await this.observe(begin)
      t.diagnostic(`${name}: ${describe(seen)}`)
      const harm = harmOf(seen)
      if (!harm) {
        this.#remember({ attacked: seen.attacked.after, control: seen.control.after })
        return
      }
      if (!stalled(seen)) assert.fail(`${name}: ${harm}; ${describe(seen)}`)
      t.diagnostic(`${harm}, but the machine stalled: the neighbours of nobody saw ${describe({ attacked: seen.control })}`)
      if (attempt === 0) {
        this.#quiet = null
        continue
      }
      const busy = Math.max(...Object.values(seen.attacked).map(window => window.busy))
      assert.ok(busy < BUSY, `${name}: ${harm}, and the media thread was ${percent(busy)} busy; ${describe(seen)}`)
      return
    }
  }

  #remember(window) {
    if (!this.#quiet || window.attacked.p95 < this.#quiet.attacked.p95) this.#quiet = window
  }

  /**
   * What the neighbours see of an attack, whatever it is.
   * @returns {Promise<import('./harm.js').Seen>}
   */
  async observe(begin) {
    if (!this.#quiet) this.#remember(await this.#window(BEFORE))
    const before = this.#quiet
    const end = await begin()
    const during = await this.#window(DURING)
    await end?.()
    await sleep(RECOVERY)
    const after = await this.#window(AFTER)
    const of = who => ({ before: before[who], during: during[who], after: after[who] })
    return { attacked: of('attacked'), control: of('control') }
  }

  async #window(milliseconds) {
    const times = () => [scheduling(this.#attackedServer, /^medialoom-\d/), scheduling(this.#attacked.pid, /./)]
    const before = times()
    const started = performance.now()
    const [attacked, control] = await Promise.all([this.#attacked.measure(milliseconds), this.#control.measure(milliseconds)])
    const passed = performance.now() - started
    const [threads, viewers] = times().map((after, index) => between(before[index], after, passed))
    attacked.waited = threads.waited + viewers.waited
    attacked.busy = threads.busy
    return { attacked, control }
  }
}

/** A script of this folder that answers calls, in a process of its own. */
async function startProcess(t, name) {
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const child = fork(path.join(__dirname, `${name}.js`), { env, serialization: 'advanced' })
  t.after(() => child.kill('SIGKILL'))
  const client = new Client(child)
  await within(20_000, client.ready, `start of ${name}`)
  return client
}

module.exports = { Field, LINUX, startProcess }
