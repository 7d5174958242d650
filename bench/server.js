'use strict'

/**
 * The server under measurement: an endpoint in a process of its own, as an application would write
 * it. The parent process carries the signaling (see round.js).
 */

const { Audience } = require('./audience.js')
const { mediaThreads } = require('./threads.js')
const [threads, binding] = process.argv.slice(2)
if (binding) loadBinding(binding)
const { Endpoint } = require('..')

/** Puts another build of the native module in the place of the usual one. */
function loadBinding(file) {
  const module = { exports: {} }
  process.dlopen(module, file)
  const id = require.resolve('../lib/native/binding.js')
  require.cache[id] = { id, filename: id, loaded: true, exports: module.exports }
}

async function main() {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: Number(threads), tcp: false })
  endpoint.ref()
  const audience = new Audience(() => endpoint.createTransport())

  process.on('message', async message => {
    if (message.type === 'offer') {
      process.send({ type: 'answer', client: message.client, sdp: await audience.join('all', message) })
    } else {
      process.send({ type: 'sample', sample: await SAMPLES[message.type](endpoint) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send({ type: 'ready' })
}

// Taking statistics costs something itself: it happens outside of the time that is measured.
const SAMPLES = {
  async begin(endpoint) {
    const traffic = await forwarded(endpoint)
    return { ...traffic, ...usage() }
  },
  async end(endpoint) {
    const used = usage()
    return { ...used, ...(await forwarded(endpoint)) }
  }
}

/** What the process has used so far: microseconds of CPU, bytes of memory. */
function usage() {
  const { user, system } = process.cpuUsage()
  return { user, system, usedAt: seconds(), threads: mediaThreads(), rss: process.memoryUsage.rss() }
}

async function forwarded(endpoint) {
  const { threads, transports } = await endpoint.getStats()
  const tracks = transports.flatMap(transport => transport.outgoingTracks)
  return {
    forwarded: tracks.reduce((sum, track) => sum + track.packetsSent, 0),
    forwardedAt: seconds(),
    calls: countsOf(threads),
    cipher: transports.find(transport => transport.srtpCipher)?.srtpCipher ?? null
  }
}

/** What the media threads counted, all together. */
function countsOf(threads) {
  const sum = name => threads.reduce((total, thread) => total + thread[name], 0)
  return {
    receive: sum('receiveCalls'),
    send: sum('sendCalls'),
    wait: sum('waitCalls'),
    wake: sum('wakeups'),
    allocations: threads[0].allocations === undefined ? null : sum('allocations')
  }
}

function seconds() {
  return Number(process.hrtime.bigint()) / 1e9
}

main()
