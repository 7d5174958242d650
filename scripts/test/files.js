'use strict'

/** Which files of tests there are, and what each of them needs of the machine. */

const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./run.js')

/**
 * How files run, with two processors in mind:
 *
 * - `waiting`: mostly waits for timers and for others, or says what is right whenever it comes; several at
 *   once, and compilers beside them
 * - `attacks`: as `measuring`, but only beside others of its kind: what one of them takes of a processor is
 *   next to nothing and is the same for all
 * - `measuring`: measures rates, growth or the time that something takes, and leaves most of the machine to
 *   others: two at once, and nothing else
 * - `alone`: measures what the machine itself can do, or needs most of it
 *
 * Files and folders below `__test__` that are not named here wait.
 */
const KINDS = {
  measuring: [
    'browser/bad-network.test.js',
    'browser/sound-at-loss.test.js',
    'browser/throttled.test.js',
    'clients/bad-network.test.js',
    'clients/limited-publisher.test.js',
    'clients/roaming.test.js',
    'lifecycle'
  ],
  alone: [
    'attacks/rtmp.test.js',
    'attacks/victims.test.js',
    'api/mixer-time.test.js',
    'browser/in-step.test.js',
    'browser/layers.test.js',
    'browser/mixed.test.js',
    'clients/speakers.test.js',
    'package/require.test.js',
    'rooms/hostile-clients.test.js'
  ],
  attacks: ['attacks']
}

/** Those that take longest begin first, or the last of them would run on when all others are done. */
const LONGEST = [
  'bench',
  'browser/throttled.test.js',
  'browser/hosts.test.js',
  'browser/encryption.test.js',
  'browser/reconnect.test.js',
  'browser/bad-network.test.js',
  'browser/room.test.js',
  'browser/sound-at-loss.test.js',
  'browser',
  'clients',
  'client',
  'examples',
  'attacks/sctp.test.js',
  'attacks/channels.test.js',
  'rooms'
]

const inTests = name => path.join(ROOT, '__test__', name)
const below = (file, names) => names.some(name => `${file}${path.sep}`.startsWith(inTests(name) + path.sep))

/** @returns {'waiting' | 'attacks' | 'measuring' | 'alone'} */
function kindOf(file) {
  for (const [kind, names] of Object.entries(KINDS)) if (below(file, names)) return /** @type {keyof typeof KINDS} */ (kind)
  return 'waiting'
}

/** Of two files, the one with the lower place begins first. */
function placeOf(file) {
  const index = LONGEST.findIndex(name => below(file, [name]))
  return index < 0 ? LONGEST.length : index
}

/** The test files below a folder of `__test__`. */
function testFiles(folder, except = []) {
  const root = inTests(folder)
  if (!fs.existsSync(root)) return []
  return fs
    .readdirSync(root, { recursive: true })
    .map(name => path.join(root, String(name)))
    .filter(name => /\.test\.[cm]?js$/.test(name) && !name.includes('node_modules') && !below(name, except))
    .sort()
}

function typeScriptProjects() {
  const examples = fs.readdirSync(path.join(ROOT, 'examples')).map(name => path.join('examples', name, 'tsconfig.json'))
  return ['tsconfig.json', 'tsconfig.javascript.json', ...examples.filter(project => fs.existsSync(path.join(ROOT, project)))]
}

module.exports = { kindOf, placeOf, testFiles, typeScriptProjects }
