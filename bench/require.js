'use strict'

/**
 * What `require('medialoom')` costs: time, and how much the process's resident memory grows. Median
 * of fresh processes, as only the first require of a process costs anything.
 *
 *   npm run bench:require
 */

const path = require('node:path')
const { execFileSync } = require('node:child_process')

const ROOT = path.join(__dirname, '..')
const RUNS = 15

// Measured on a 2-core x86-64 Debian 12 virtual machine, November 2026.
const MEDOOZE = { name: 'medooze-media-server', milliseconds: 740, megabytes: 130 }

const probe = name => `
  const rss = process.memoryUsage.rss()
  const started = process.hrtime.bigint()
  require('${name}')
  const nanoseconds = Number(process.hrtime.bigint() - started)
  process.stdout.write(JSON.stringify({
    milliseconds: nanoseconds / 1e6,
    megabytes: (process.memoryUsage.rss() - rss) / 2 ** 20
  }))
`

/** @returns {{ milliseconds: number, megabytes: number }} */
function measureRequire(runs = RUNS, name = 'medialoom') {
  const figures = Array.from({ length: runs }, () =>
    // The package finds itself by its name from its own folder.
    JSON.parse(execFileSync(process.execPath, ['-e', probe(name)], { cwd: ROOT, encoding: 'utf8' }))
  )
  return {
    milliseconds: median(figures.map(figure => figure.milliseconds)),
    megabytes: median(figures.map(figure => figure.megabytes))
  }
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

module.exports = { measureRequire }

if (require.main === module) {
  for (const { name, milliseconds, megabytes } of [{ name: 'medialoom', ...measureRequire() }, MEDOOZE]) {
    console.log(`${name.padEnd(22)} ${milliseconds.toFixed(0).padStart(5)} ms ${megabytes.toFixed(0).padStart(5)} MB`)
  }
}
