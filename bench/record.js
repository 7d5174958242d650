'use strict'

/** What recording costs: recordings of a core, memory, the media thread. `--help` lists the options. */

const { spawn } = require('node:child_process')
const os = require('node:os')
const { createInterface } = require('node:readline')
const { parseArgs } = require('node:util')
const { buildRecord } = require('./build.js')
const { crowd, playerStart } = require('./live-recordings.js')
const { markdown } = require('./table.js')

const HELP = `What recording costs, measured without clients: recordings of 1.5 Mbit/s of pictures and Opus.

  npm run bench:record -- [options] [FOLDER]

  FOLDER   where the files are; default: that of temporary files
  --json   a line of JSON for each figure instead of tables
  --live   only what the native module does in real time: many recordings at once, the start of a player
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
  ],
  crowd: [
    ['in one process', r => r.name],
    ['kbit/s of one', r => number(r.bitrate / 1000, 0)],
    ['kB of one', r => number(r.memoryBytes / 1024, 0)],
    ['bytes more a second', r => number(r.growthBytes, 0)],
    ['cores', r => number(r.cores, 2)],
    ['frames left out', r => number(r.framesDropped, 0)]
  ],
  player: [
    ['', r => r.name],
    ['ms to open', r => number(r.openingMs, 1)],
    ['ms from play to the first picture (goal 100)', r => number(r.startMs, 1)],
    ['at most', r => number(r.mostMs, 1)]
  ]
}

async function bench(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      live: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return console.log(HELP)
  const results = []
  const tell = result => {
    if (values.json) console.log(JSON.stringify(result))
    else results.push(result)
  }
  if (!values.live) await run(buildRecord(), positionals, tell)
  for (const measure of [crowd, playerStart]) tell(await measure(positionals[0] ?? os.tmpdir()))
  for (const [kind, columns] of Object.entries(COLUMNS)) {
    const rows = results.filter(result => result.kind === kind)
    if (rows.length > 0) console.log(`${markdown(columns, rows)}\n`)
  }
}

/** Runs the program that measures on fake time. */
async function run(program, args, tell) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) tell(JSON.parse(line))
  const status = await ended
  if (status !== 0) throw new Error(`the benchmark ended with ${status}`)
}

function main(argv) {
  return bench(argv).catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}

if (require.main === module) main(process.argv.slice(2))
