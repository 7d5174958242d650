'use strict'

/**
 * What mixing costs: rooms of a core, latency, lateness, memory. docs/mixing.md says what the
 * figures mean; `--help` lists the options.
 */

const { spawn } = require('node:child_process')
const { createInterface } = require('node:readline')
const { parseArgs } = require('node:util')
const { buildMix } = require('./build.js')
const { markdown } = require('./table.js')

const PARTS = ['audio', 'video', 'latency', 'threads']
const HELP = `What mixing costs, measured without clients: inputs are packets that repeat.

  npm run bench:mix -- [options] [${PARTS.join('|')}]...

  --json   a line of JSON for each figure instead of tables
  --help
`

const number = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '')
const mebibytes = bytes => number(bytes / 2 ** 20, 1)

const COLUMNS = {
  audio: [
    ['room', r => r.name],
    ['rooms of a core (goal 20)', r => number(r.roomsPerCore, 1)],
    ['us of a participant and second', r => number(r.microsecondsPerParticipantSecond, 0)],
    ['memory MiB', r => mebibytes(r.memoryBytes)]
  ],
  video: [
    ['room', r => r.name],
    ['rooms of a core (goal 4 of 320x180)', r => number(r.roomsPerCore, 1)],
    ['ms of a picture', r => number(r.millisecondsPerPicture, 2)],
    ['memory MiB', r => mebibytes(r.memoryBytes)]
  ],
  latency: [
    ['what', r => r.name],
    ['added ms p50', r => number(r.addedMsP50, 1)],
    ['p99', r => number(r.addedMsP99, 1)],
    ['beyond the target p50', r => number(r.beyondTargetMsP50, 1)],
    ['p99', r => number(r.beyondTargetMsP99, 1)]
  ],
  threads: [
    ['what', r => r.name],
    ['late ms p50', r => number(r.latenessMsP50, 2)],
    ['p99', r => number(r.latenessMsP99, 2)]
  ],
  idle: [
    ['what', r => r.name],
    ['of a core (goal 1 %)', r => `${number(r.cores * 100, 2)} %`],
    ['memory KiB of a room', r => number(r.memoryBytes / 1024, 0)]
  ]
}

async function bench(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } }
  })
  if (values.help) return console.log(HELP)
  const wrong = positionals.find(part => !PARTS.includes(part))
  if (wrong) throw new Error(`there is no ${wrong}; there are ${PARTS.join(', ')}`)
  const child = spawn(buildMix(), positionals, { stdio: ['ignore', 'pipe', 'inherit'] })
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
