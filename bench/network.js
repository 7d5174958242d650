'use strict'

/**
 * What the engine makes of bad networks: scenarios with publishers and viewers on fake time.
 * docs/networks.md says what the figures mean; `--help` lists the options.
 */

const { spawn } = require('node:child_process')
const { createInterface } = require('node:readline')
const { parseArgs } = require('node:util')
const { buildNetwork } = require('./build.js')
const { failures, networkTable } = require('./network-table.js')

const HELP = `What viewers see over bad networks, by simulated links of known capacity.

  npm run bench:network -- [options]

  --scenario NAME   one scenario, as often as you like; all of them without
  --list            the names of the scenarios
  --seed N          of everything that is random, default 1
  --seeds N         every scenario with so many seeds in a row; prints the runs that miss a goal
  --json            a line of JSON for each viewer instead of tables
  --help
`

const OPTIONS = {
  scenario: { type: 'string', multiple: true, default: [] },
  list: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
}

async function bench(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS })
  if (values.help) return console.log(HELP)
  for (const name of ['seed', 'seeds']) {
    if (!/^[1-9]\d{0,8}$/.test(values[name])) throw new Error(`--${name} takes a whole number, at least 1`)
  }
  const program = buildNetwork()
  const args = ['--seed', values.seed, '--seeds', values.seeds]
  if (values.list) args.push('--list')
  for (const name of values.scenario) args.push('--scenario', name)
  const results = []
  await lines(program, args, line => {
    if (values.list || values.json) return console.log(line)
    const result = JSON.parse(line)
    results.push(result)
    process.stderr.write(`${result.scenario} ${result.seed}\n`)
  })
  if (results.length === 0) return
  if (values.seeds === '1') console.log(networkTable(results))
  console.log(`\n${failures(results)}`)
}

/** Runs a program and hands on each line it prints. */
async function lines(program, args, take) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) take(line)
  const status = await ended
  if (status !== 0) throw new Error(`the simulation ended with ${status}`)
}

function main(argv) {
  return bench(argv).catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}

if (require.main === module) main(process.argv.slice(2))
