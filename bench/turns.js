'use strict'

/**
 * What a turn of the media thread runs through: instructions, cache lines and pages of code, counted by
 * stepping, so that it says the same however busy the machine is. docs/performance.md says what for.
 *
 *   node bench/turns.js [--scenario NAME] [--turns N] [--layout]
 *
 * Counts turns that begin with one packet of sound. `--layout` steps through whatever turn comes instead, and writes
 * src/layout.ld from the functions it saw, best of several scenarios. Needs Linux on x86-64, a C compiler and nm, and a
 * module with names, as `npm run build` makes it.
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFileSync, spawnSync } = require('node:child_process')
const { parseArgs } = require('node:util')
const { platformName } = require('../lib/native/platform.js')
const { buildLoad } = require('./build.js')
const { median } = require('./median.js')
const { playRound } = require('./round.js')
const { SCENARIOS } = require('./scenarios.js')
const { layout } = require('./turns/layout.js')
const { readTurns } = require('./turns/trace.js')

const ROOT = path.join(__dirname, '..')
const MODULE = path.join(ROOT, `medialoom.${platformName()}.node`)
const LAYOUT = path.join(ROOT, 'src', 'layout.ld')
/** Functions of a turn that are listed. */
const LISTED = 40

const OPTIONS = {
  scenario: { type: 'string', multiple: true, default: ['fan-out-1'] },
  turns: { type: 'string', default: '12' },
  layout: { type: 'boolean', default: false }
}

async function main(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-turns-'))
  try {
    const step = path.join(folder, 'step')
    execFileSync('cc', ['-O1', '-o', step, path.join(__dirname, 'turns', 'step.c')])
    const program = buildLoad()
    const used = new Set()
    let functions = []
    for (const name of values.scenario) {
      const file = path.join(folder, name)
      const maps = await playRound(program, SCENARIOS[name](), {
        seconds: 0,
        threads: 1,
        watch: processes => stepped(step, processes, [values.turns, file, values.layout ? 'any' : 'sound'])
      })
      const trace = readTurns(file, MODULE, maps)
      functions = trace.functions
      trace.turns.forEach(turn => [...turn.byFunction.keys()].forEach(name => used.add(name)))
      report(name, trace.turns)
    }
    if (values.layout) fs.writeFileSync(LAYOUT, layout(used, functions))
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Steps through turns of the server's media thread. Gives where its code lies. */
function stepped(step, { server, clients }, settings) {
  const tasks = fs.readdirSync(`/proc/${server}/task`)
  const thread = tasks.find(task => fs.readFileSync(`/proc/${server}/task/${task}/comm`, 'utf8') === 'medialoom-0\n')
  const { status } = spawnSync(step, [thread, String(clients), ...settings], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the thread could not be stepped through')
  return fs.readFileSync(`/proc/${server}/maps`, 'utf8')
}

function report(name, turns) {
  // One packet that comes and leaves, and nothing else but what such a turn does by the way.
  const plain = turns.filter(turn => turn.receives === 1 && turn.sends === 1)
  console.log(`${name}: ${plain.length} of ${turns.length} turns received once and sent once`)
  if (plain.length === 0) return
  const figure = of => median(plain.map(of))
  console.log(
    `medians: ${figure(turn => turn.instructions)} instructions, ${figure(turn => turn.lines)} cache lines ` +
      `on ${figure(turn => turn.pages)} pages`
  )
  const sums = new Map()
  for (const { byFunction } of plain) {
    for (const [name, { instructions, lines }] of byFunction) {
      const sum = sums.get(name) ?? [0, 0]
      sums.set(name, [sum[0] + lines.size, sum[1] + instructions])
    }
  }
  const listed = [...sums].sort(([, a], [, b]) => b[0] - a[0]).slice(0, LISTED)
  for (const [name, [lines, instructions]] of listed) {
    const mean = sum => (sum / plain.length).toFixed(0).padStart(6)
    console.log(`${mean(lines)} lines ${mean(instructions)} instructions  ${name}`)
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
