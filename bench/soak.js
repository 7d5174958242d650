'use strict'

/**
 * Whether anything grows when peers come and go: `npm run soak`, `--help` lists the options,
 * docs/soak.md says how to read what it prints. Needs a checkout, since its clients are those of the
 * tests. Ends with 1 when something grew.
 */

const fs = require('node:fs')
const path = require('node:path')
const { isCheckout } = require('./build.js')

async function main(argv) {
  if (!isCheckout()) throw new Error('the soak needs a checkout: its clients are those of the tests')
  const { options } = require('./soak/options.js')
  const { soak } = require('./soak/run.js')
  const { table } = require('./soak/verdict.js')
  const { help, output, ...settings } = options(argv)
  if (help) return console.log(help)
  const result = await soak(settings, sample => console.error(progress(sample)))
  fs.mkdirSync(path.dirname(output), { recursive: true })
  const report = { date: new Date().toISOString(), node: process.version, settings, ...result }
  fs.writeFileSync(output, `${JSON.stringify(report, null, 2)}\n`)
  console.log(table(result.rows))
  console.log(
    `${result.joins} joins in ${result.minutes.toFixed(1)} minutes, ${result.failures.length} failed; ` +
      `${result.samples.length} quiet points, of which the first ${result.warmUp} do not count`
  )
  for (const fault of result.faults) console.log(`FAILED: ${fault}`)
  console.log(`samples in ${path.relative(process.cwd(), output)}`)
  process.exitCode = result.faults.length > 0 ? 1 : 0
}

function progress({ cycle, joins, failures, rss, native, jsHeap, descriptors, threads, timers, handles, objects }) {
  const mib = bytes => (bytes === undefined ? '?' : (bytes / 2 ** 20).toFixed(1))
  return [
    `cycle ${cycle}: ${joins} joins, ${failures} failed`,
    `${mib(rss)} MiB resident, ${mib(native)} native, ${mib(jsHeap)} JavaScript`,
    `${descriptors} descriptors, ${threads} threads, ${timers} timers, ${handles} handles, ${objects} objects`
  ].join('; ')
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
