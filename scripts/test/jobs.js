'use strict'

/** What there is to run, piece by piece: each gives how many tests passed and how many failed. */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT, run } = require('./run.js')

/**
 * @typedef {{ passed: number, failed: number, shown: string }} Result
 * @typedef {(how: { yields?: boolean, live?: boolean }) => Promise<Result>} Job
 */

/**
 * A program that says all by its exit code.
 * @returns {Job}
 */
function command(program, args) {
  return async how => {
    const { ok, shown } = await run(program, args, how)
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, shown }
  }
}

/**
 * A program of which only its end matters: not a test, unless it fails.
 * @returns {Job}
 */
function step(program, args) {
  return async how => {
    const { ok, shown } = await run(program, args, how)
    return { passed: 0, failed: ok ? 0 : 1, shown }
  }
}

/** Calls an exported function of a script, in a process of its own: others run meanwhile. */
function scriptStep(script, call) {
  return step(process.execPath, ['-e', `require(${JSON.stringify(script)}).${call}`])
}

/** @returns {Job} */
function cargoTest(args) {
  return async how => {
    const { ok, output, shown } = await run('cargo', ['test', ...args], how)
    let [passed, failed] = [0, 0]
    for (const [, p, f] of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)) {
      passed += Number(p)
      failed += Number(f)
    }
    // A test binary that crashed or did not build prints no result of its own.
    if ((!ok || passed === 0) && failed === 0) failed = 1
    return { passed, failed, shown }
  }
}

let reports = 0

/**
 * The tests of one file.
 * @returns {Job}
 */
function nodeTest(file) {
  return async how => {
    const report = path.join(os.tmpdir(), `medialoom-tests-${process.pid}-${reports++}.tap`)
    const { ok, shown } = await run(
      process.execPath,
      [
        '--expose-gc',
        '--test',
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=tap',
        `--test-reporter-destination=${report}`,
        path.relative(ROOT, file)
      ],
      { ...how, minutes: 10 }
    )
    const counts = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : ''
    fs.rmSync(report, { force: true })
    // The totals are the last such lines; a test may print some of its own.
    const count = name => Number([...counts.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))].pop()?.[1] ?? 0)
    const passed = count('pass')
    let failed = count('fail') + count('cancelled')
    if ((!ok || passed + count('skipped') === 0) && failed === 0) failed = 1
    return { passed, failed, shown }
  }
}

module.exports = { cargoTest, command, nodeTest, scriptStep, step }
