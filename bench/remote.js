'use strict'

const dgram = require('node:dgram')
const { once } = require('node:events')
const { lookup } = require('node:dns/promises')
const { setTimeout: sleep } = require('node:timers/promises')
const { Load } = require('./load.js')
const { markdown } = require('./table.js')
const { WebSession } = require('./whip.js')

const AUDIO_KILOBITS = 32
const CONCURRENT_JOINS = 8
/** Time for keyframes, reports and timers of the joins to pass, in milliseconds. */
const SETTLING = 1500
/** From here on the clients, not the server, may be what is slow. */
const CLIENTS_BUSY = 0.85

/** Loads a server that speaks WHIP and WHEP: publishes some streams, watches them or others. */
async function measureRemote(program, settings) {
  const { publishers, viewers, seconds, patience } = settings
  const url = settings.whip ?? settings.whep
  const load = new Load(program, 'clients', {
    clients: clientsOf(settings),
    address: await localAddressTowards(new URL(url).hostname),
    leaders: publishers,
    concurrent_joins: CONCURRENT_JOINS,
    patience_seconds: patience,
    partial: true
  })
  const sessions = []
  const failures = []
  const offers = async type => {
    for (;;) {
      const report = await load.next()
      if (report.type === type) return report
      if (report.type === 'offer') offer(report)
    }
  }
  const offer = async ({ client, sdp }) => {
    const session = new WebSession(urlOf(settings, client), settings.token)
    sessions.push(session)
    try {
      load.tell({ type: 'answer', client, sdp: await session.offer(sdp) })
    } catch (error) {
      failures.push(error.message)
      load.tell({ type: 'refused', client })
    }
  }
  try {
    const ready = await offers('ready')
    await sleep(SETTLING)
    load.tell({ type: 'measure', milliseconds: seconds * 1000 })
    const measured = await offers('measured')
    const result = figures({ publishers, viewers, seconds, ready, measured, failures })
    return { results: [result], text: text(result) }
  } catch (error) {
    throw failures.length > 0 ? new Error(`${error.message}; the first failure: ${failures[0]}`) : error
  } finally {
    await Promise.all(sessions.map(session => session.end()))
    await load.close()
  }
}

/** Publishers first, then viewers, who watch our own publishers where there are some. */
function clientsOf({ publishers, viewers, kilobits, whep }) {
  const video = kilobits > 0
  const sending = { audio: { kilobits: AUDIO_KILOBITS }, ...(video && { video: { kilobits } }) }
  const each = (count, make) => Array.from({ length: count }, (_, index) => make(index))
  const watching = index => {
    if (publishers === 0) return { strange_audio: 1, strange_video: video ? 1 : 0 }
    const watched = hasNumber(whep) ? [index % publishers] : [0]
    return { hears: watched, sees: video ? watched : [] }
  }
  return [...each(publishers, () => sending), ...each(viewers, watching)]
}

function hasNumber(url) {
  return url.includes('{n}')
}

function urlOf({ whip, whep, publishers }, client) {
  const publishes = client < publishers
  const number = publishes ? client : publishers === 0 ? client : (client - publishers) % publishers
  return (publishes ? whip : whep).replaceAll('{n}', String(number))
}

/** The address of this machine that the server sees. Connecting a UDP socket sends nothing. */
async function localAddressTowards(host) {
  const { address } = await lookup(host.replace(/^\[|\]$/g, ''), { family: 4 })
  const socket = dgram.createSocket('udp4')
  try {
    socket.connect(9, address)
    await once(socket, 'connect')
    return socket.address().address
  } finally {
    socket.close()
  }
}

function figures({ publishers, viewers, seconds, ready, measured, failures }) {
  const { packets, expected, bytes } = measured.totals
  return {
    name: `${publishers} publishing, ${viewers} watching`,
    joined: ready.joined,
    wanted: publishers + viewers,
    failures,
    /** Of what our publishers sent, what came to our viewers; unknown when strangers publish. */
    delivered: measured.expected > 0 && viewers > 0 ? measured.received / measured.expected : null,
    /** Of packets, by the gaps in their sequence numbers, and not made up for by retransmission. */
    lost: expected > 0 ? Math.max(0, 1 - packets / expected) : null,
    packetsPerSecond: packets / seconds,
    kilobitsPerViewer: viewers > 0 ? (bytes * 8) / 1000 / seconds / viewers : null,
    latency: measured.latency,
    join: { connected: ready.connected, media: ready.media, video: ready.video, perSecond: ready.rate },
    loadOfClients: measured.load
  }
}

const fixed = digits => value => (value === null ? '' : value.toFixed(digits))
const percent = value => (value === null ? '' : `${(value * 100).toFixed(2)} %`)
const times = ({ count, p50, p95 }) => (count > 0 ? `${fixed(0)(p50 / 1000)} / ${fixed(0)(p95 / 1000)}` : '')
const latency = which => result => (result.latency.count > 0 ? fixed(2)(result.latency[which] / 1000) : '')

const COLUMNS = [
  ['load', result => result.name],
  ['joined', result => `${result.joined} of ${result.wanted}`],
  ['packets/s', result => fixed(0)(result.packetsPerSecond)],
  ['kbit/s a viewer', result => fixed(0)(result.kilobitsPerViewer)],
  ['delivered', result => percent(result.delivered)],
  ['lost', result => percent(result.lost)],
  ['latency p50 ms', latency('p50')],
  ['p95', latency('p95')],
  ['p99', latency('p99')],
  ['max', latency('max')],
  ['connected p50 / p95 ms', result => times(result.join.connected)],
  ['media', result => times(result.join.media)],
  ['video', result => times(result.join.video)],
  ['clients', result => percent(result.loadOfClients)]
]

/** One load is a list, a line for each figure: a table of one row would be too wide. */
function text(result) {
  const rows = COLUMNS.slice(1).map(([title, cell]) => [title, cell(result)])
  const lines = [
    markdown(
      [
        [result.name, ([title]) => title],
        ['', ([, cell]) => cell]
      ],
      rows.filter(([, cell]) => cell !== '')
    )
  ]
  if (result.failures.length > 0) lines.push(`${result.failures.length} could not join, the first because ${result.failures[0]}`)
  if (result.loadOfClients > CLIENTS_BUSY) lines.push('the clients were busy, so they may be what was slow')
  return lines.join('\n')
}

module.exports = { clientsOf, figures, measureRemote, text, urlOf }
