'use strict'

const path = require('node:path')
const { parseArgs } = require('node:util')
const { LEAKS } = require('./leaks.js')
const { ACTS } = require('./run.js')

const HELP = `Peers of all kinds join and leave, vanish and come again, and nothing may grow by it.

  npm run soak -- [options]

  --minutes N         how long, default 10; an hour says more, and it never ends before there are enough cycles
  --size N            viewers of each audience, default 24
  --seconds N         how long each cycle stays busy, default 5
  --act NAME          one kind of peers, as often as you like; default all: ${Object.keys(ACTS).join(', ')}
  --leak NAME         leak on purpose, to see it fail, as often as you like: ${Object.keys(LEAKS).join(', ')}
  --output FILE       where the samples and the verdict go as JSON
  --help
`

const OPTIONS = {
  minutes: { type: 'string', default: '10' },
  size: { type: 'string', default: '24' },
  seconds: { type: 'string', default: '5' },
  act: { type: 'string', multiple: true },
  leak: { type: 'string', multiple: true, default: [] },
  output: { type: 'string', default: path.join(__dirname, '..', '..', 'target', 'soak', 'result.json') },
  help: { type: 'boolean', default: false }
}

/** What the command line asks for; throws when it makes no sense. */
function options(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS })
  if (values.help) return { help: HELP }
  const number = name => {
    const value = Number(values[name])
    if (!(Number.isFinite(value) && value > 0)) throw new Error(`--${name} takes a number above 0`)
    return value
  }
  const acts = known('act', values.act ?? Object.keys(ACTS), ACTS)
  const leaks = known('leak', values.leak, LEAKS)
  return { minutes: number('minutes'), size: Math.round(number('size')), seconds: number('seconds'), acts, leaks, output: values.output }
}

function known(what, names, table) {
  const unknown = names.find(name => !Object.hasOwn(table, name))
  if (unknown) throw new Error(`no ${what} ${unknown}; there are ${Object.keys(table).join(', ')}`)
  return names
}

module.exports = { options }
