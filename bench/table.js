'use strict'

const fixed = digits => value => (value === null || value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits))
const percent = value => (value === null || value === undefined ? '' : `${(value * 100).toFixed(2)} %`)
const milliseconds = value => fixed(2)(value / 1000)
const kilobytes = value => fixed(0)(value / 1024)

const NAME = ['scenario', result => result.name]

/** A table a concern: all columns side by side fit no terminal. */
const TABLES = [
  [
    NAME,
    ['packets/s', result => fixed(0)(result.forwardedPerSecond)],
    ['core', result => percent(result.serverLoad)],
    ['us/packet', result => fixed(2)(result.cpu)],
    ['user', result => fixed(2)(result.cpuUser)],
    ['system', result => fixed(2)(result.cpuSystem)],
    ['floor', result => fixed(2)(result.floor)],
    ['ratio', result => (result.floor ? `${(result.cpu / result.floor).toFixed(1)}x` : '')],
    ['calls/packet', result => fixed(3)(callsPerPacket(result))],
    ['allocations', result => fixed(3)(result.allocations)],
    ['clients', result => percent(result.loadOfClients)],
    ['media', result => percent(result.loadOfMedia)],
    ['JavaScript', result => percent(result.loadOfJavaScript)]
  ],
  [
    NAME,
    ['delivered', result => percent(result.delivered)],
    ['p50 ms', result => latency(result, 'p50')],
    ['p95', result => latency(result, 'p95')],
    ['p99', result => latency(result, 'p99')],
    ['max', result => latency(result, 'max')],
    ['RSS MB', result => fixed(0)(result.rss / 2 ** 20)],
    ['kB/sub', result => kilobytes(result.rssPerSubscriber)],
    ['us/peer/s', result => fixed(0)(result.cpuPerPeerSecond)]
  ],
  [
    NAME,
    ['join p50 ms', result => join(result, 'p50')],
    ['p95', result => join(result, 'p95')],
    ['video p50', result => time(result.join.video, 'p50')],
    ['p95', result => time(result.join.video, 'p95')],
    ['keyframe p95', result => time(result.join.keyframe, 'p95')],
    ['late in 5 s p95', result => time(result.join.firstSeconds, 'p95')],
    ['max', result => time(result.join.firstSeconds, 'max')],
    ['joins/s', result => fixed(0)(result.join.perSecond)]
  ]
]

/** System calls of the media threads for each forwarded packet. */
function callsPerPacket({ calls }) {
  return calls.send === null ? null : calls.receive + calls.send + calls.wait + calls.wake
}

function latency(result, which) {
  return result.latency.count > 0 ? milliseconds(result.latency[which]) : ''
}

function join(result, which) {
  const times = result.join.media.count > 0 ? result.join.media : result.join.connected
  return fixed(0)(times[which] / 1000)
}

function time(distribution, which) {
  return distribution.count > 0 ? fixed(0)(distribution[which] / 1000) : ''
}

/** Markdown, with a line for each row of cells below the titles. */
function markdown(columns, rows) {
  const cells = [columns.map(([title]) => title), ...rows.map(row => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(3, ...cells.map(row => row[column].length)))
  const line = row =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(cells[0]), line(rule), ...cells.slice(1).map(line)].join('\n')
}

/** What was measured, a line for each result in each table. */
function table(results) {
  return TABLES.map(columns => markdown(columns, results)).join('\n\n')
}

module.exports = { callsPerPacket, markdown, table }
