'use strict'

const { buildCounting, isCheckout } = require('./build.js')
const { floorOf } = require('./floor.js')
const { median, medians } = require('./median.js')
const { plots } = require('./plots.js')
const { playRound } = require('./round.js')
const { SCENARIOS } = require('./scenarios.js')
const { table } = require('./table.js')

/** From here on the clients, not the server, may be what is slow. */
const CLIENTS_BUSY = 0.85
/** From here on something else on the machine may have been in the way, in cores. */
const OTHERS_BUSY = 0.1
/** Counting allocations needs no precision, so a short round does. */
const SECONDS_OF_COUNTING = 2

/** Plays scenarios against this package's own server. */
async function measureOwn(program, settings) {
  const counting = settings.allocations ? buildCounting() : null
  const results = []
  for (const name of settings.scenarios) results.push(await measure(program, name, settings, counting))
  const comparison = compareThreads(results)
  return {
    results,
    text: [table(results), ...results.flatMap(warnings), ...comparison].join('\n'),
    plots: plots(results)
  }
}

async function measure(program, name, { rounds, seconds, threads }, counting) {
  const scenario = SCENARIOS[name]()
  if (scenario.room && !isCheckout()) throw new Error(`${name} needs a checkout: the room server is an example there`)
  const results = []
  const floors = []
  for (let round = 0; round < rounds; round++) {
    const result = await playRound(program, scenario, { seconds, threads })
    results.push(result)
    floors.push(await floorOf(program, scenario, result))
    const cost = scenario.idle ? `${result.cpuPerPeerSecond.toFixed(0)} us/peer/s` : `${result.cpu?.toFixed(2)} us/packet`
    const others = `others ${(result.loadOfOthers * 100).toFixed(0)} %`
    console.error(`${name} round ${round + 1} of ${rounds}: ${cost}, ${others}`)
  }
  const { name: title, plot, subscribers, streamsPerSubscriber } = scenario
  const result = { ...medians(results), floor: floors[0] === null ? null : median(floors) }
  if (counting) {
    // A round of its own: counting is cheap but not free, and the others are about time.
    const counted = await playRound(program, scenario, { seconds: SECONDS_OF_COUNTING, threads, binding: counting })
    result.allocations = counted.allocations
  }
  return { id: name, name: title, plot, subscribers, streamsPerSubscriber, ...result, rounds: results }
}

function warnings({ name, loadOfClients, loadOfOthers }) {
  const percent = share => `${(share * 100).toFixed(0)} %`
  const lines = []
  if (loadOfClients > CLIENTS_BUSY) {
    lines.push(`${name}: the clients used ${percent(loadOfClients)} of their core, so they may be what was slow`)
  }
  if (loadOfOthers > OTHERS_BUSY) {
    lines.push(`${name}: other processes used ${percent(loadOfOthers)} of a core; run it again on a quiet machine`)
  }
  return lines
}

/** How much more two media threads carry than one, by the one of the two that is busier. */
function compareThreads(results) {
  const [one, two] = ['one-thread-100', 'two-threads-100'].map(id => results.find(result => result.id === id))
  if (!one?.carriedPerSecond || !two?.carriedPerSecond) return []
  const carries = ({ name, carriedPerSecond }) =>
    `${name}: ${carriedPerSecond.toFixed(0)} packets/s for each core of the busiest media thread`
  return [carries(one), carries(two), `two media threads carry ${(two.carriedPerSecond / one.carriedPerSecond).toFixed(2)}x what one does`]
}

module.exports = { compareThreads, measureOwn }
