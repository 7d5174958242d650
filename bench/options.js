'use strict'

const path = require('node:path')
const { parseArgs } = require('node:util')
const { isCheckout } = require('./build.js')
const { SCENARIOS, DEFAULT } = require('./scenarios.js')

const HELP = `What forwarding costs on this machine, or how a WHIP/WHEP server carries load.

  medialoom bench [options]                       this package's own server, scenario by scenario
  medialoom bench --whip URL --whep URL [options] publish to and watch from another server

Scenarios:
  --scenario NAME     one scenario, as often as you like
  --all               all scenarios: ${Object.keys(SCENARIOS).join(', ')}
  --rounds N          the figures are medians of so many rounds, default 3
  --seconds N         how long each round measures, default 5
  --threads N         media threads of the server, default 1
  --quick             one round of 2 seconds
  --allocations       one more round, with a module that counts allocations (built on first use)

Another server:
  --whip URL          where to publish; {n} in it becomes the number of the publisher, from 0
  --whep URL          where to watch from; {n} becomes the number of the publisher to watch
  --publishers N      default 1 with --whip
  --viewers N         default 1 with --whep
  --kilobits N        of each camera, default 1500; 0 for sound alone
  --token TOKEN       bearer token for every request
  --seconds N         how long to measure, default 10
  --patience N        seconds that joining may take in all, default 30

  --output FOLDER     where result.json and the plots go
  --help
`

const OPTIONS = {
  scenario: { type: 'string', multiple: true },
  all: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  threads: { type: 'string' },
  quick: { type: 'boolean', default: false },
  allocations: { type: 'boolean', default: false },
  whip: { type: 'string' },
  whep: { type: 'string' },
  publishers: { type: 'string' },
  viewers: { type: 'string' },
  kilobits: { type: 'string' },
  token: { type: 'string' },
  patience: { type: 'string' },
  output: { type: 'string', default: isCheckout() ? path.join(__dirname, '..', 'target', 'bench') : 'medialoom-bench' },
  help: { type: 'boolean', default: false }
}

const FOR_OWN_SERVER = ['scenario', 'all', 'rounds', 'threads', 'quick', 'allocations']
const FOR_REMOTE = ['publishers', 'viewers', 'kilobits', 'token', 'patience']

/** What the command line asks for; throws when it makes no sense. */
function options(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS })
  if (values.help) return { help: HELP }
  const number = (name, fallback, least = 1) => {
    const value = values[name] === undefined ? fallback : Number(values[name])
    if (!(Number.isInteger(value) && value >= least)) throw new Error(`--${name} takes a whole number, at least ${least}`)
    return value
  }
  const remote = values.whip !== undefined || values.whep !== undefined
  const foreign = (remote ? FOR_OWN_SERVER : FOR_REMOTE).find(name => values[name] !== undefined && values[name] !== false)
  if (foreign) throw new Error(`--${foreign} ${remote ? 'does not go with' : 'needs'} --whip or --whep`)

  if (remote) {
    for (const name of ['whip', 'whep']) {
      if (values[name] !== undefined && !/^https?:$/.test(protocolOf(values[name]))) throw new Error(`--${name} takes an http or https URL`)
    }
    return {
      remote: {
        whip: values.whip,
        whep: values.whep,
        publishers: values.whip === undefined ? 0 : number('publishers', 1),
        viewers: values.whep === undefined ? 0 : number('viewers', 1),
        kilobits: number('kilobits', 1500, 0),
        token: values.token,
        seconds: number('seconds', 10),
        patience: number('patience', 30)
      },
      output: values.output
    }
  }

  const scenarios = values.scenario ?? (values.all ? Object.keys(SCENARIOS).filter(isPossible) : DEFAULT)
  const unknown = scenarios.find(name => !Object.hasOwn(SCENARIOS, name))
  if (unknown) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(', ')}`)
  return {
    own: {
      scenarios,
      rounds: number('rounds', values.quick ? 1 : 3),
      seconds: number('seconds', values.quick ? 2 : 5),
      threads: number('threads', 1),
      allocations: values.allocations
    },
    output: values.output
  }
}

/** The room server is an example, and not in an installed package. */
function isPossible(name) {
  return isCheckout() || !SCENARIOS[name]().room
}

function protocolOf(url) {
  return URL.canParse(url) ? new URL(url).protocol : ''
}

module.exports = { options }
