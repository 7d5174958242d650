import { Counter, Gauge, Registry } from 'prom-client'
import { addProcessMetrics } from './process-metrics.js'

/** Rooms that have series of their own. */
const MOST_ROOMS = 100
/** No room can be called so. */
const OTHER_ROOMS = '(others)'

/**
 * The server's figures for Prometheus. They are read from the engine when they are asked for.
 *
 * @param {object} sources
 * @param {import('medialoom').Endpoint} sources.endpoint
 * @param {import('medialoom/rooms').Rooms} sources.rooms
 * @param {import('./signaling.js').Signaling} sources.signaling
 * @param {import('./webhooks.js').Webhook[]} sources.webhooks
 */
export function createMetrics({ endpoint, rooms, signaling, webhooks }) {
  const registry = new Registry()
  addProcessMetrics(registry)
  const registers = [registry]

  new Gauge({
    name: 'room_server_websockets',
    help: 'Open WebSockets',
    registers,
    collect() {
      this.set(signaling.connections)
    }
  })
  const roomGauge = new Gauge({ name: 'room_server_rooms', help: 'Open rooms, by mode', labelNames: ['mode'], registers })
  const mixerGauge = new Gauge({ name: 'room_server_mixers', help: 'Rooms that mix now', registers })
  const mixReceiverGauge = new Gauge({ name: 'room_server_mix_receivers', help: 'Participants who get the mix', registers })
  new Gauge({
    name: 'room_server_recordings',
    help: 'Recordings that go on',
    registers,
    collect() {
      this.set([...rooms].reduce((sum, room) => sum + room.recordings.length, 0))
    }
  })
  const participantGauge = new Gauge({ name: 'room_server_participants', help: 'Participants, by role', labelNames: ['role'], registers })
  const transportGauge = new Gauge({ name: 'medialoom_transports', help: 'Transports, by state', labelNames: ['state'], registers })
  const lossGauge = new Gauge({ name: 'medialoom_packets_lost', help: 'Packets that never came, over all open incoming tracks', registers })
  const bitrateGauge = new Gauge({ name: 'medialoom_bitrate', help: 'Bits of media a second', labelNames: ['direction'], registers })
  const effortGauge = new Gauge({
    name: 'medialoom_mixers',
    help: 'Mixers, by the effort that they make for pictures',
    labelNames: ['effort'],
    registers
  })
  const portGauge = new Gauge({ name: 'medialoom_mixer_ports', help: 'Ports of all open mixers', registers })
  const latenessGauge = new Gauge({
    name: 'medialoom_mixer_lateness_seconds',
    help: 'How late the latest mixer was in the last second',
    registers
  })
  const dropGauge = new Gauge({
    name: 'medialoom_mixer_packets_dropped',
    help: 'Packets that found no room on their way to a mixer, over all open mixers',
    registers
  })

  const webhookCounter = new Counter({
    name: 'room_server_webhook_events_total',
    help: 'Events for webhooks, by what became of them',
    labelNames: ['outcome'],
    registers
  })
  new Gauge({
    name: 'room_server_webhook_events_waiting',
    help: 'Events that wait for a webhook',
    registers,
    collect() {
      this.set(sum(webhooks, 'waiting'))
    }
  })

  const roomParticipants = new Gauge({
    name: 'room_server_room_participants',
    help: 'Participants of the largest rooms, and of all others together',
    labelNames: ['room'],
    registers
  })
  const roomBitrate = new Gauge({
    name: 'room_server_room_bitrate',
    help: 'Bits of media a second of the largest rooms, and of all others together',
    labelNames: ['room', 'direction'],
    registers
  })

  // The engine counts, and each thread for itself; they are shown as they stand.
  const perThread = /** @type {const} */ ([
    ['packetsReceived', 'medialoom_packets_received_total', 'Datagrams received'],
    ['packetsSent', 'medialoom_packets_sent_total', 'Datagrams sent'],
    ['bytesReceived', 'medialoom_bytes_received_total', 'Bytes received'],
    ['bytesSent', 'medialoom_bytes_sent_total', 'Bytes sent'],
    ['packetsUnmatched', 'medialoom_packets_unmatched_total', 'Datagrams that belonged to no peer'],
    ['packetsDiscardedOnSend', 'medialoom_packets_discarded_on_send_total', 'Packets dropped at a full socket'],
    ['packetsDiscardedBetweenThreads', 'medialoom_packets_discarded_between_threads_total', 'Packets dropped at a full ring'],
    ['packetsOverBudget', 'medialoom_packets_over_budget_total', 'Datagrams dropped of peers that take too much of their thread'],
    ['transportsOverBudget', 'medialoom_transports_over_budget', 'Transports that take too much of their thread'],
    ['load', 'medialoom_thread_load', 'Share of its time in which a media thread works'],
    ['layerShare', 'medialoom_thread_layer_share', 'Share of the best bitrate that video tracks of a thread are sent at most'],
    ['panics', 'medialoom_panics_total', 'Peers closed because handling them failed']
  ]).map(([field, name, help]) => {
    const options = { name, help, labelNames: /** @type {const} */ (['thread']), registers }
    return { field, metric: name.endsWith('_total') ? new Counter(options) : new Gauge(options) }
  })

  return {
    contentType: registry.contentType,
    async text() {
      await collect()
      return registry.metrics()
    }
  }

  async function collect() {
    for (const mode of ['sfu', 'mcu', 'broadcast', 'p2p']) roomGauge.set({ mode }, [...rooms].filter(room => room.mode === mode).length)
    const participants = [...rooms].flatMap(room => room.participants)
    mixerGauge.set([...rooms].filter(room => room.mixer !== null).length)
    mixReceiverGauge.set(participants.filter(({ source, transport }) => source === 'mix' && transport).length)
    for (const role of ['member', 'listener', 'publisher', 'viewer']) {
      participantGauge.set({ role }, participants.filter(participant => participant.role === role).length)
    }

    webhookCounter.reset()
    for (const outcome of /** @type {const} */ (['sent', 'failed', 'dropped'])) webhookCounter.inc({ outcome }, sum(webhooks, outcome))

    const stats = await endpoint.getStats()
    for (const { field, metric } of perThread) {
      metric.reset()
      for (const thread of stats.threads) metric.inc({ thread: String(thread.thread) }, thread[field])
    }
    collectRooms(stats.transports)
    for (const state of ['new', 'connecting', 'connected', 'disconnected']) {
      transportGauge.set({ state }, stats.transports.filter(transport => transport.state === state).length)
    }
    const encodings = stats.transports.flatMap(transport => transport.incomingTracks).flatMap(track => track.encodings)
    const outgoing = stats.transports.flatMap(transport => transport.outgoingTracks)
    lossGauge.set(sum(encodings, 'packetsLost'))
    bitrateGauge.set({ direction: 'in' }, sum(encodings, 'bitrate'))
    bitrateGauge.set({ direction: 'out' }, sum(outgoing, 'bitrate'))

    for (const effort of /** @type {const} */ (['full', 'fast', 'half-rate', 'half-size'])) {
      effortGauge.set({ effort }, stats.mixers.filter(mixer => mixer.effort === effort).length)
    }
    portGauge.set(stats.mixers.reduce((sum, mixer) => sum + mixer.ports.length, 0))
    latenessGauge.set(Math.max(0, ...stats.mixers.map(mixer => mixer.lateness)) / 1000)
    dropGauge.set(stats.mixers.reduce((sum, mixer) => sum + mixer.packetsDropped, 0))
  }

  /**
   * Clients choose the names of rooms, so that not each may become a series: the largest do.
   * @param {import('medialoom').TransportStats[]} transports
   */
  function collectRooms(transports) {
    roomParticipants.reset()
    roomBitrate.reset()
    const bitrates = new Map(transports.map(transport => [transport.id, bitrateOf(transport)]))
    const bySize = [...rooms].sort((one, other) => other.participants.length - one.participants.length)
    for (const [rank, { name, participants }] of bySize.entries()) {
      const room = rank < MOST_ROOMS ? name : OTHER_ROOMS
      roomParticipants.inc({ room }, participants.length)
      for (const { transport } of participants) {
        const bitrate = transport && bitrates.get(transport.id)
        for (const direction of /** @type {const} */ (['in', 'out'])) roomBitrate.inc({ room, direction }, bitrate ? bitrate[direction] : 0)
      }
    }
  }
}

/** Bits of media a second that come and go over one transport. @param {import('medialoom').TransportStats} transport */
function bitrateOf({ incomingTracks, outgoingTracks }) {
  return {
    in: sum(
      incomingTracks.flatMap(track => track.encodings),
      'bitrate'
    ),
    out: sum(outgoingTracks, 'bitrate')
  }
}

/**
 * @template {string} T
 * @param {Record<T, number>[]} items
 * @param {T} field
 */
function sum(items, field) {
  return items.reduce((total, item) => total + item[field], 0)
}
