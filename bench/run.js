'use strict'

/**
 * What forwarding costs on this machine, and a load tester for WHIP and WHEP servers.
 * docs/performance.md says what is measured and how to read it; `--help` lists the options.
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { buildLoad } = require('./build.js')
const { options } = require('./options.js')
const { measureOwn } = require('./own.js')
const { measureRemote } = require('./remote.js')

async function bench(argv) {
  const { help, own, remote, output } = options(argv)
  if (help) return console.log(help)
  const program = buildLoad()
  const { results, text, plots = {} } = await (own ? measureOwn(program, own) : measureRemote(program, remote))
  console.log(text)
  const { token, ...settings } = own ?? remote
  const report = { date: new Date().toISOString(), machine: machine(), settings, results }
  const files = { 'result.json': `${JSON.stringify(report, null, 2)}\n`, ...plots }
  fs.mkdirSync(output, { recursive: true })
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(output, name), content)
  console.log(`\n${Object.keys(files).join(', ')} in ${path.relative(process.cwd(), output) || '.'}`)
}

function machine() {
  const cpus = os.cpus()
  return { cpu: cpus[0].model, cores: cpus.length, kernel: `${os.type()} ${os.release()}`, node: process.version }
}

/** Runs it, and says what went wrong. */
function main(argv) {
  return bench(argv).catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}

module.exports = { main }

if (require.main === module) main(process.argv.slice(2))
