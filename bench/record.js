'use strict'

/** What recording costs: recordings of a core, memory, the media thread. `--help` lists the options. */

const { spawn } = require('node:child_process')
const { createInterface } = require('node:readline')
const { parseArgs } = require('node:util')
const { buildRecord } = require('./build.js')
const { markdown } = require('./table.js')

const HELP = `What recording costs, measured without clients: recordings of 1.5 Mbit/s of pictures and Opus.

  npm run bench:record -- [options] [FOLDER]

  FOLDER   where the files are; default: that of temporary files
  --json   a line of JSON for each figure instead of tables
  --help
`

const number = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '')

const COLUMNS = {
  recordings: [
    ['recording', r => r.name],
    ['at once on a core (goal 1,000)', r => number(r.recordingsPerCore, 0)],
    ['memory MiB of one (goal 12)', r => number(r.memoryBytes / 2 ** 20, 2)],
    ['ms to close', r => number(r.closeMs, 2)]
  ],
  packets: [
    ['what', r => r.name],
    ['ns (goal 150)', r => number(r.nanoseconds, 0)],
    ['allocations (goal 0)', r => number(r.allocations, 3)]
  ]
}

async function bench(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } }
  })
  if (values.help) return console.log(HELP)
  const child = spawn(buildRecord(), positionals, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  const results = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (values.json) console.log(line)
    else results.push(JSON.parse(line))
  }
  const status = await ended
  if (status !== 0) throw new Error(`the benchmark ended with ${status}`)
  for (const [kind, columns] of Object.entries(COLUMNS)) {
    const rows = results.filter(result => result.kind === kind)
    if (rows.length > 0) console.log(`${markdown(columns, rows)}\n`)
  }
}

function main(argv) {
  return bench(argv).catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}

if (require.main === module) main(process.argv.slice(2))
