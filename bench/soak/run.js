'use strict'

const path = require('node:path')
const { Way } = require('../../__test__/support/way.js')
const { buildLoad } = require('../build.js')
const { audience } = require('./acts/audience.js')
const { bridges } = require('./acts/bridges.js')
const { callers } = require('./acts/callers.js')
const { channels } = require('./acts/channels.js')
const { mixing } = require('./acts/mixing.js')
const { whip } = require('./acts/whip.js')
const { Process } = require('./process.js')
const { LEAST_CYCLES, judge } = require('./verdict.js')

const ACTS = { audience, bridges, callers, channels, mixing, whip }
/** The whole endpoint goes after so many cycles. */
const CYCLES_OF_AN_ENDPOINT = 4
/**
 * glibc gives new threads arenas of their own until there are eight for each core, and keeps what was
 * freed in them: growth of megabytes that ends, but not within minutes. With two of them a leak shows
 * sooner.
 */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' }
const LOSS = 0.03
const DELAY = 10

/**
 * Plays cycles of joining and leaving for as long as told, or until there are enough to judge by,
 * samples the server at the quiet point of each, and judges how it went.
 *
 * @param {object} options see options.js
 * @param {(sample: object) => void} [onSample]
 */
async function soak({ minutes, size, seconds, acts, leaks }, onSample = () => {}) {
  const program = buildLoad()
  const file = path.join(__dirname, 'server.js')
  const server = await Process.start(file, { args: leaks, flags: ['--expose-gc'], environment: FEW_ARENAS })
  const course = { joins: 0, failures: [], restless: [] }
  const samples = []
  const started = Date.now()
  const end = started + minutes * 60_000
  let address = await server.call('open')
  try {
    for (let number = 0; Date.now() < end || number < LEAST_CYCLES; number++) {
      await cycle(number)
      const sample = await rest(number)
      samples.push(sample)
      onSample(sample)
      if (number % CYCLES_OF_AN_ENDPOINT === CYCLES_OF_AN_ENDPOINT - 1) address = await server.call('reopen')
    }
  } catch (error) {
    // What was seen until then is worth having.
    course.restless.push(`the server failed: ${error.message}`)
  } finally {
    await server.kill()
  }
  return { samples, ...course, minutes: (Date.now() - started) / 60_000, ...judge(samples, course) }

  async function cycle(number) {
    const ways = []
    /** Why joins failed, which acts that end for it say once more. */
    const counted = new Set()
    const context = {
      server,
      program,
      size,
      number,
      url: address.url,
      milliseconds: seconds * 1000,
      /** A description as one gets it whose way to the server loses packets. */
      async lossy(sdp) {
        const way = await Way.open(sdp, { conditions: { loss: LOSS, delay: DELAY }, seed: number })
        ways.push(way)
        return way.rewrite(sdp)
      },
      /** Counts a join, or why there was none. */
      async count(joining, joins = 1) {
        course.joins += joins
        return joining.catch(error => {
          course.failures.push(error.message)
          counted.add(error)
          throw error
        })
      }
    }
    const results = await Promise.allSettled(acts.map(act => ACTS[act](context)))
    for (const way of ways) way.close()
    results.forEach(({ reason }, index) => {
      if (reason && !counted.has(reason)) course.failures.push(`${acts[index]}: ${reason.message}`)
    })
  }

  async function rest(number) {
    const { left, ...sample } = await server.call('rest')
    if (left) course.restless.push(`cycle ${number} left ${JSON.stringify(left)}`)
    return { cycle: number, at: Date.now() - started, joins: course.joins, failures: course.failures.length, ...sample }
  }
}

module.exports = { ACTS, soak }
