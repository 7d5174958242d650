'use strict'

/**
 * What forwarding costs on this machine. A server and its clients run in processes of their own,
 * over real sockets on loopback. docs/performance.md says what is measured and how to read it.
 *
 *   npm run bench -- [--scenario NAME]... [--rounds N] [--seconds N] [--threads N] [--quick] [--output FOLDER]
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { buildLoad } = require('./load.js')
const { floorOf } = require('./floor.js')
const { median, medians } = require('./median.js')
const { playRound } = require('./round.js')
const { SCENARIOS, DEFAULT } = require('./scenarios.js')
const { table } = require('./table.js')
const { plot: draw } = require('./plot.js')

const ROOT = path.join(__dirname, '..')
/** From here on the clients, not the server, may be what is slow. */
const CLIENTS_BUSY = 0.85
/** From here on something else on the machine may have been in the way, in cores. */
const OTHERS_BUSY = 0.1

function options(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      scenario: { type: 'string', multiple: true, default: DEFAULT },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      threads: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      output: { type: 'string', default: path.join(ROOT, 'target', 'bench') }
    }
  })
  const unknown = values.scenario.find(name => !Object.hasOwn(SCENARIOS, name))
  if (unknown) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(', ')}`)
  const number = (name, fallback) => {
    const value = Number(values[name] ?? fallback)
    if (!(value > 0)) throw new Error(`--${name} takes a number above 0`)
    return value
  }
  return {
    scenarios: values.scenario,
    rounds: number('rounds', values.quick ? 1 : 3),
    seconds: number('seconds', values.quick ? 2 : 5),
    threads: number('threads', 1),
    output: values.output
  }
}

async function measure(program, name, { rounds, seconds, threads }) {
  const scenario = SCENARIOS[name]()
  const results = []
  const floors = []
  for (let round = 0; round < rounds; round++) {
    const result = await playRound(program, scenario, { seconds, threads })
    results.push(result)
    floors.push(await floorOf(program, scenario, result.sourceShare))
    const cost = scenario.idle ? `${result.cpuPerPeerSecond.toFixed(0)} us/peer/s` : `${result.cpu?.toFixed(2)} us/packet`
    const others = `others ${(result.loadOfOthers * 100).toFixed(0)} %`
    console.error(`${name} round ${round + 1} of ${rounds}: ${cost}, ${others}`)
  }
  const floor = floors[0] === null ? null : median(floors)
  const { name: title, plot, subscribers } = scenario
  return { id: name, name: title, plot, subscribers, floor, ...medians(results), rounds: results }
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

function costOverSubscribers(results) {
  const measured = results.filter(result => result.plot === 'subscribers')
  if (measured.length < 2) return null
  return draw({
    title: 'CPU per forwarded packet, one publisher',
    x: 'subscribers',
    y: 'microseconds',
    lines: [
      { name: 'server', points: measured.map(result => [result.subscribers, result.cpu]) },
      { name: 'floor', points: measured.map(result => [result.subscribers, result.floor]) }
    ]
  })
}

function machine() {
  const cpus = os.cpus()
  return { cpu: cpus[0].model, cores: cpus.length, kernel: `${os.type()} ${os.release()}`, node: process.version }
}

async function main(argv) {
  const settings = options(argv)
  const program = buildLoad()
  const results = []
  for (const name of settings.scenarios) results.push(await measure(program, name, settings))

  console.log(table(results))
  results.flatMap(warnings).forEach(line => console.log(line))
  fs.mkdirSync(settings.output, { recursive: true })
  const report = { date: new Date().toISOString(), machine: machine(), settings, results }
  fs.writeFileSync(path.join(settings.output, 'result.json'), `${JSON.stringify(report, null, 2)}\n`)
  const svg = costOverSubscribers(results)
  if (svg) fs.writeFileSync(path.join(settings.output, 'cost.svg'), svg)
  console.log(`\nresult.json${svg ? ' and cost.svg' : ''} in ${path.relative(process.cwd(), settings.output) || '.'}`)
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
