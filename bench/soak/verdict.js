'use strict'

const { MEASURES } = require('./measures.js')
const { theilSen } = require('./slope.js')

/** The first samples show what is set up once, the first large pictures, the caches that fill. */
const WARM_UP_SHARE = 0.2
const LEAST_WARM_UP = 2
/** With fewer samples after the warm-up no growth could ever be told from chance. */
const LEAST_SAMPLES = 5
const LEAST_CYCLES = LEAST_WARM_UP + LEAST_SAMPLES
/** Joins that may fail, as a share: the machine may be busy, and some are meant to meet a bad network. */
const FAILED_JOINS = 0.1

/**
 * @param {object[]} samples of quiet points: `at` in milliseconds, `joins` so far, and each measure
 * @param {{ joins: number, failures: string[], restless: string[] }} course what happened
 */
function judge(samples, { joins, failures, restless }) {
  const warmUp = Math.max(LEAST_WARM_UP, Math.floor(samples.length * WARM_UP_SHARE))
  const counted = samples.slice(warmUp)
  const rows = MEASURES.filter(({ name }) => counted.every(sample => typeof sample[name] === 'number')).map(measure =>
    growth(counted, measure)
  )
  const faults = rows.filter(row => row.grows).map(row => `${row.title} grows`)
  if (counted.length < LEAST_SAMPLES) faults.push(`${counted.length} samples after the warm-up say nothing`)
  if (joins === 0) faults.push('nobody joined')
  if (failures.length > joins * FAILED_JOINS) faults.push(`${failures.length} of ${joins} joins failed, the first: ${failures[0]}`)
  faults.push(...restless)
  return { rows, faults, counted: counted.length, warmUp: Math.min(warmUp, samples.length) }
}

/** How one measure went, by time and by joins. It grows if that is certain and more than is forgiven. */
function growth(samples, { name, title, bytes = false, floor, perThousandJoins }) {
  const of = x => theilSen(samples.map(sample => ({ x: x(sample), y: sample[name] })))
  const byHours = of(sample => sample.at / 3_600_000)
  const byJoins = of(sample => sample.joins / 1000)
  const first = samples[0]
  const last = samples[samples.length - 1]
  const hours = samples.length > 1 ? (last.at - first.at) / 3_600_000 : 0
  const thousands = samples.length > 1 ? (last.joins - first.joins) / 1000 : 0
  const forgiven = Math.max(floor, perThousandJoins * thousands)
  return {
    name,
    title,
    bytes,
    first: first?.[name],
    last: last?.[name],
    perHour: byHours.slope,
    perHourAtLeast: byHours.low,
    perHourAtMost: byHours.high,
    perThousandJoins: byJoins.slope,
    perThousandJoinsAtMost: byJoins.high,
    forgiven,
    // Either way of counting has to say so: a pause without joins leaks nothing by them.
    grows: byHours.low * hours > forgiven && byJoins.low * thousands > forgiven
  }
}

/** The rows as text, memory in MiB. */
function table(rows) {
  const figure = (value, { bytes }) => {
    if (!Number.isFinite(value)) return '?'
    return bytes ? (value / 2 ** 20).toFixed(2) : value.toFixed(2)
  }
  const cells = rows.map(row => [
    row.bytes ? `${row.title} (MiB)` : row.title,
    figure(row.first, row),
    figure(row.last, row),
    figure(row.perHour, row),
    figure(row.perHourAtMost, row),
    figure(row.perThousandJoins, row),
    figure(row.forgiven, row),
    row.grows ? 'GROWS' : 'holds'
  ])
  const head = ['', 'first', 'last', 'an hour', 'at most', '1,000 joins', 'forgiven in all', '']
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map(line => line[column].length)))
  const line = parts =>
    parts
      .map((part, column) => (column === 0 ? part.padEnd(widths[0]) : part.padStart(widths[column])))
      .join('  ')
      .trimEnd()
  return [head, ...cells].map(line).join('\n')
}

module.exports = { LEAST_CYCLES, judge, table }
