'use strict'

const { sum } = require('./sum.js')

const STATES = /** @type {const} */ (['new', 'connecting', 'connected', 'disconnected'])
const EFFORTS = /** @type {const} */ (['full', 'fast', 'half-rate', 'half-size'])

/**
 * @param {import('../../index.js').EndpointStats} stats
 * @param {import('./observe.js').Record} record
 */
function observeEndpoint({ threads, transports, mixers }, record) {
  for (const thread of threads) observeThread(thread, record)
  for (const state of STATES) {
    record('medialoom.transports', transports.filter(transport => transport.state === state).length, { 'medialoom.transport.state': state })
  }
  const encodings = transports.flatMap(transport => transport.incomingTracks).flatMap(track => track.encodings)
  const outgoing = transports.flatMap(transport => transport.outgoingTracks)
  record('medialoom.media.bitrate', sum(encodings, 'bitrate'), { 'network.io.direction': 'receive' })
  record('medialoom.media.bitrate', sum(outgoing, 'bitrate'), { 'network.io.direction': 'transmit' })
  record('medialoom.media.packets_lost', sum(encodings, 'packetsLost'))
  observeRoundTrips(
    [...encodings, ...outgoing].flatMap(({ roundTripTime }) => roundTripTime ?? []),
    record
  )

  for (const effort of EFFORTS)
    record('medialoom.mixers', mixers.filter(mixer => mixer.effort === effort).length, { 'medialoom.mixer.effort': effort })
  record(
    'medialoom.mixer.ports',
    mixers.reduce((total, mixer) => total + mixer.ports.length, 0)
  )
  record('medialoom.mixer.lateness', mixers.reduce((most, { lateness }) => Math.max(most, lateness), 0) / 1000)
  record('medialoom.mixer.packets_dropped', sum(mixers, 'packetsDropped'))
}

/**
 * @param {import('../../index.js').ThreadStats} stats
 * @param {import('./observe.js').Record} record
 */
function observeThread(stats, record) {
  const thread = { 'medialoom.thread': stats.thread }
  for (const [direction, name] of /** @type {const} */ ([
    ['receive', 'Received'],
    ['transmit', 'Sent']
  ])) {
    const attributes = { ...thread, 'network.io.direction': direction }
    record('medialoom.network.packets', stats[`packets${name}`], attributes)
    record('medialoom.network.io', stats[`bytes${name}`], attributes)
  }
  const dropped = {
    unmatched: stats.packetsUnmatched,
    'socket-full': stats.packetsDiscardedOnSend,
    'ring-full': stats.packetsDiscardedBetweenThreads,
    'over-budget': stats.packetsOverBudget
  }
  for (const [reason, count] of Object.entries(dropped))
    record('medialoom.network.dropped', count, { ...thread, 'medialoom.drop.reason': reason })
  record('medialoom.thread.load', stats.load, thread)
  record('medialoom.thread.layer_share', stats.layerShare, thread)
  record('medialoom.thread.transports', stats.transports, thread)
  record('medialoom.thread.transports_over_budget', stats.transportsOverBudget, thread)
  record('medialoom.thread.panics', stats.panics, thread)
}

/**
 * @param {number[]} times seconds
 * @param {import('./observe.js').Record} record
 */
function observeRoundTrips(times, record) {
  const sorted = times.sort((one, other) => one - other)
  const longest = sorted.at(-1)
  if (longest === undefined) return
  record('medialoom.media.round_trip_time', sorted[Math.floor(sorted.length / 2)] ?? longest, { 'medialoom.statistic': 'median' })
  record('medialoom.media.round_trip_time', longest, { 'medialoom.statistic': 'max' })
}

exports.observeEndpoint = observeEndpoint
