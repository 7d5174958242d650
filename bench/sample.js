'use strict'

const { javaScriptThread, mediaThreads } = require('./threads.js')

/**
 * What the process of a server has used and forwarded so far. Taking statistics costs something
 * itself: it happens outside of the time that is measured, which lies between `begin` and `end`.
 */
async function sampled(endpoint, type) {
  if (type === 'begin') {
    const traffic = await forwarded(endpoint)
    return { ...traffic, ...usage() }
  }
  const used = usage()
  return { ...used, ...(await forwarded(endpoint)) }
}

/** Microseconds of CPU, bytes of memory. */
function usage() {
  const { user, system } = process.cpuUsage()
  const javaScript = javaScriptThread()
  return { user, system, javaScript, usedAt: seconds(), threads: mediaThreads(), rss: process.memoryUsage.rss() }
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

module.exports = { sampled }
