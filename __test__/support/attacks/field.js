'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { fork } = require('node:child_process')
const { setTimeout: sleep } = require('node:timers/promises')
const { buildLoad } = require('../../../bench/build.js')
const { Client } = require('../clients/client.js')
const { Way } = require('../way.js')
const { within } = require('../events.js')
const { Neighbours } = require('./neighbours.js')
const { scheduling } = require('./scheduling.js')

const BEFORE = 1500
const DURING = 3000
/** The neighbours have a second to be as they were. */
const RECOVERY = 1000
const AFTER = 1500

/** The least share of the frames that the same run brings without the attack. */
const SHARE = 0.9
/** How many times the latency of the same run without the attack. */
const TIMES = 2
/** Milliseconds that two windows of an idle machine may differ by. */
const NOISE = 5
/**
 * The same where other processes had the cores: a media thread, or who measures, waits for a few of
 * their turns then.
 */
const NOISE_OF_OTHERS = 50
/** From this share of the time on they did. An idle machine lets nobody wait for a thousandth. */
const WAITING = 0.005
/** From here on what viewers see tells of the machine, and not of the attack. */
const STARVED = 0.25
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
      const seen = await this.#measure(begin)
      t.diagnostic(`${name}: ${describe(seen)}`)
      const harm = harmOf(seen)
      if (!harm) return
      if (!stalled(seen)) assert.fail(`${name}: ${harm}; ${describe(seen)}`)
      t.diagnostic(`${harm}, but the machine stalled: the neighbours of nobody saw ${describe({ attacked: seen.control })}`)
      if (attempt === 0) continue
      const busy = Math.max(...Object.values(seen.attacked).map(window => window.busy))
      assert.ok(busy < BUSY, `${name}: ${harm}, and the media thread was ${percent(busy)} busy; ${describe(seen)}`)
      return
    }
  }

  async #measure(begin) {
    const before = await this.#window(BEFORE)
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
    const [thread, viewers] = times()
    const [attacked, control] = await Promise.all([this.#attacked.measure(milliseconds), this.#control.measure(milliseconds)])
    const [threadAfter, viewersAfter] = times()
    const waited = threadAfter.waited - thread.waited
    const ran = threadAfter.ran - thread.ran
    attacked.waited = (waited + viewersAfter.waited - viewers.waited) / milliseconds
    // Of the time in which it had something to do or nothing, but not in which it had to wait.
    attacked.busy = ran / Math.max(milliseconds - waited, ran)
    return { attacked, control }
  }
}

/** What the neighbours suffered, or `null`. */
function harmOf({ attacked, control }) {
  if (attacked.before.share < SHARE) return `${percent(attacked.before.share)} of the frames before anything happened`
  for (const window of ['during', 'after']) {
    const { share, p50, p95, waited } = attacked[window]
    if (share < SHARE * attacked.before.share) return `${percent(share)} of the frames ${window}`
    const noise = waited > WAITING ? NOISE_OF_OTHERS : NOISE
    for (const [name, latency] of Object.entries({ p50, p95 })) {
      // A machine that is slow for all is slow for them too.
      const usual = Math.max(attacked.before[name], control[window][name])
      if (latency > Math.max(TIMES * usual, usual + noise)) return `a latency (${name}) of ${latency.toFixed(2)} ms ${window}`
    }
  }
  return null
}

/** Whether those whom nobody attacked lost frames or waited long for them, or others had the cores. */
function stalled({ attacked, control }) {
  const waited = ({ p95 }) => p95 > Math.max(NOISE, TIMES * control.before.p95)
  return (
    Object.values(attacked).some(({ waited }) => waited > STARVED) ||
    Object.values(control).some(({ share }) => share < (1 + SHARE) / 2) ||
    [control.during, control.after].some(waited)
  )
}

function describe({ attacked }) {
  const windows = Object.entries(attacked).map(
    ([name, { share, p50, p95, waited = 0, busy = 0 }]) => `${name} ${(30 * share).toFixed(1)} of 30 frames, ${p50.toFixed(2)} ms (p95 ${p95.toFixed(2)}, waited ${percent(waited)}, thread ${percent(busy)})`
  )
  return windows.join('; ')
}

function percent(share) {
  return `${(share * 100).toFixed(0)} %`
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
