'use strict'

const os = require('node:os')
const path = require('node:path')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')
const { Load } = require('./load.js')

/** Time for keyframes, reports and timers of the joins to pass, in milliseconds. */
const SETTLING = 1500
const CONCURRENT_JOINS = 8
/** Seconds that all joins together may take. */
const PATIENCE = 120

/**
 * Plays a scenario once, with a server and clients in fresh processes, and measures for `seconds`
 * once everybody is there. The server uses the native module `binding` if that is given. With `watch` nothing is
 * measured: it is given the ids of both processes, and what it gives is the result.
 */
async function playRound(program, scenario, { seconds, threads, binding, watch }) {
  const options = [String(scenario.threads ?? threads), ...(binding ? [binding] : [])]
  const server = fork(path.join(__dirname, scenario.room ? 'room-server.js' : 'server.js'), options)
  let load, members
  try {
    const [{ url }] = await once(server, 'message')
    const before = await ask(server, 'begin')
    load = new Load(program, 'clients', {
      clients: scenario.clients,
      address: '127.0.0.1',
      concurrent_joins: scenario.concurrentJoins ?? CONCURRENT_JOINS,
      patience_seconds: PATIENCE
    })
    if (scenario.room) {
      // What it needs comes with the room server, which an installed package is without.
      const { Members } = require('./members.js')
      members = new Members(url)
    }
    relayAnswers(server, load)
    const door = members ? joiningBy(members, load) : offer => server.send(offer)

    const ready = await relayOffersUntil('ready', door, load, scenario)
    await sleep(SETTLING)
    if (watch) return await watch({ server: server.pid, clients: load.pid })
    const start = await ask(server, 'begin')
    const busyBefore = secondsOfCores()
    load.tell({ type: 'measure', milliseconds: seconds * 1000 })
    await sleep(seconds * 1000)
    const busy = secondsOfCores() - busyBefore
    const end = await ask(server, 'end')
    const measured = await relayOffersUntil('measured', door, load, scenario)
    return figures(scenario, { before, start, end, busy, ready, measured })
  } finally {
    members?.close()
    await load?.close()
    if (server.exitCode === null) {
      const gone = once(server, 'exit')
      server.kill()
      await gone
    }
  }
}

function relayAnswers(server, load) {
  server.on('message', message => {
    if (message.type === 'answer') load.tell(message)
  })
}

/** Who comes by WebSocket is answered there. */
function joiningBy(members, load) {
  return async ({ client, sdp }) => load.tell({ type: 'answer', client, sdp: await members.join({ client, sdp }) })
}

async function relayOffersUntil(type, door, load, { clients }) {
  for (;;) {
    const report = await load.next()
    if (report.type === type) return report
    const { hears = [], sees = [] } = clients[report.client]
    await door({ ...report, hears, sees })
  }
}

function ask(server, type) {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the server ended early'))
    const listen = message => {
      if (message.type !== 'sample') return
      server.off('message', listen)
      server.off('exit', gone)
      resolve(message.sample)
    }
    server.on('message', listen)
    server.once('exit', gone)
    server.send({ type })
  })
}

/** What all cores have worked since the machine started. */
function secondsOfCores() {
  const milliseconds = os.cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq)
  return milliseconds.reduce((sum, core) => sum + core, 0) / 1000
}

function figures(scenario, { before, start, end, busy, ready, measured }) {
  const seconds = end.usedAt - start.usedAt
  const user = (end.user - start.user) / seconds
  const system = (end.system - start.system) / seconds
  const packets = (end.forwarded - start.forwarded) / (end.forwardedAt - start.forwardedAt)
  const forwards = !scenario.idle && packets > 0
  const perPacket = name => {
    if (!forwards || end.calls[name] === null) return null
    return (end.calls[name] - start.calls[name]) / (end.forwarded - start.forwarded)
  }
  const loads = Object.keys(end.threads).map(name => (end.threads[name] - start.threads[name]) / seconds / 1e6)
  const busiest = Math.max(...loads)
  return {
    cipher: end.cipher,
    forwardedPerSecond: packets,
    serverLoad: (user + system) / 1e6,
    /** Of a core, by media threads alone. */
    busiestThread: busiest,
    /** Of a core: all media threads, and the one that runs JavaScript. */
    loadOfMedia: loads.reduce((sum, load) => sum + load, 0),
    loadOfJavaScript: (end.javaScript - start.javaScript) / seconds / 1e6,
    /** Packets a second if the busiest media thread had nothing else to do. */
    carriedPerSecond: forwards && busiest > 0 ? packets / busiest : null,
    /** Microseconds of CPU for each forwarded packet. */
    cpu: forwards ? (user + system) / packets : null,
    cpuUser: forwards ? user / packets : null,
    cpuSystem: forwards ? system / packets : null,
    /** System calls of the media threads for each forwarded packet, and allocations where they are counted. */
    calls: { receive: perPacket('receive'), send: perPacket('send'), wait: perPacket('wait'), wake: perPacket('wake') },
    allocations: perPacket('allocations'),
    /** Microseconds of CPU for each peer and second. */
    cpuPerPeerSecond: (user + system) / scenario.clients.length,
    delivered: measured.expected > 0 ? measured.received / measured.expected : null,
    /** Source packets for each forwarded one: what receiving adds to the floor. */
    sourceShare: measured.expected > 0 ? measured.sent / measured.expected : null,
    latency: measured.latency,
    /** Bytes. */
    rss: end.rss,
    rssPerSubscriber: (end.rss - before.rss) / scenario.subscribers,
    join: {
      connected: ready.connected,
      media: ready.media,
      video: ready.video,
      keyframe: ready.keyframe,
      /** The latest packet of video of each client's first five seconds. */
      firstSeconds: measured.first_seconds,
      perSecond: ready.rate
    },
    loadOfClients: measured.load,
    /** What else ran on the machine, in cores. */
    loadOfOthers: Math.max(0, busy / seconds - (user + system) / 1e6 - measured.load)
  }
}

module.exports = { playRound }
