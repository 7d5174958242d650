'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')
const medialoom = require('../..')
const { until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { kDispatcher, kHandle } = require('../../lib/object/internal.js')

test('an endpoint says where it listens and which certificate it has', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  assert.equal(endpoint.threads, 2)
  assert.match(endpoint.fingerprint, /^sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  const listening = endpoint.addresses.map(({ protocol, thread }) => `${protocol} ${thread}`).sort()
  assert.deepEqual(listening, ['tcp 0', 'tcp 1', 'udp 0', 'udp 1'])
  for (const address of endpoint.addresses) {
    assert.equal(address.ip, '127.0.0.1')
    assert.deepEqual(address.announcedIps, ['127.0.0.1'])
    assert.ok(address.port > 0)
  }
})

test('the statistics say how busy each thread is; an idle one gives up nothing', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  for (const { load, overloaded, layerShare, transportsOverBudget, packetsOverBudget } of (await endpoint.getStats()).threads) {
    assert.ok(load >= 0 && load <= 1)
    assert.deepEqual([overloaded, layerShare, transportsOverBudget, packetsOverBudget], [false, 1, 0, 0])
  }
})

test('an endpoint tells what a busy thread gives up', async t => {
  const endpoint = await loopbackEndpoint(t)
  const told = once(endpoint, 'load')
  // As the engine does.
  const load = { thread: 0, load: 0.91, overloaded: true, layerShare: 0.6 }
  endpoint[kDispatcher].find(0)[kHandle]({ type: 'load', id: 0, ...load })
  assert.deepEqual(await told, [load])
})

test('UDP and TCP of a thread share a port number', async t => {
  const endpoint = await loopbackEndpoint(t)
  const ports = new Set(endpoint.addresses.map(address => address.port))
  assert.equal(ports.size, 1)
})

test('without tcp an endpoint listens on UDP alone', async t => {
  const endpoint = await loopbackEndpoint(t, { tcp: false })
  assert.deepEqual(
    endpoint.addresses.map(address => address.protocol),
    ['udp']
  )
})

test('an announced address stands in for the one bound', async t => {
  const endpoint = await loopbackEndpoint(t, { listen: [{ ip: '127.0.0.1', announcedIp: '203.0.113.5' }] })
  for (const address of endpoint.addresses) assert.deepEqual(address.announcedIps, ['203.0.113.5'])
})

test('several addresses, a host name and another port are announced, each in every description', async t => {
  const announcedIp = ['localhost', { ip: '203.0.113.5', port: 30_000 }, '192.168.1.5']
  const listen = [{ ip: '127.0.0.1', announcedIp, announcedPort: 20_000 }]
  const endpoint = await loopbackEndpoint(t, { listen, threads: 2, tcp: false })
  assert.deepEqual(
    endpoint.addresses.map(({ announced }) => announced),
    [0, 1].map(thread => [
      { ip: '127.0.0.1', port: 20_000 + thread },
      { ip: '203.0.113.5', port: 30_000 + thread },
      { ip: '192.168.1.5', port: 20_000 + thread }
    ])
  )
  assert.deepEqual(endpoint.addresses[0].announcedIps, ['127.0.0.1', '203.0.113.5', '192.168.1.5'])
  const transport = endpoint.createTransport()
  transport.createDataChannel('test')
  const offer = await transport.createOffer()
  for (const { ip, port } of endpoint.addresses[0].announced) assert.match(offer, new RegExp(`${ip} ${port} typ host`))
})

test('IPv6 works like IPv4', async t => {
  const endpoint = await loopbackEndpoint(t, { listen: [{ ip: '::1' }, { ip: '127.0.0.1' }], tcp: false })
  assert.deepEqual(endpoint.addresses.map(address => address.ip).sort(), ['127.0.0.1', '::1'])
})

test('a port in use is an error that names the port', async t => {
  const first = await loopbackEndpoint(t, { tcp: false })
  const again = medialoom.Endpoint.create({
    listen: [{ ip: '127.0.0.1' }],
    port: first.addresses[0].port,
    threads: 1
  })
  await assert.rejects(again, { name: 'MediaLoomError', code: 'ERR_LISTEN', field: 'options.port' })
})

test('two endpoints have two certificates', async t => {
  const [one, other] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  assert.notEqual(one.fingerprint, other.fingerprint)
})

test('transports are listed, announced and spread over the threads', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  const announced = []
  endpoint.on('transport', transport => announced.push(transport))
  const made = [1, 2, 3, 4].map(() => endpoint.createTransport())
  assert.deepEqual(announced, made)
  assert.deepEqual(endpoint.transports, made)
  assert.deepEqual(made.map(transport => transport.thread).sort(), [0, 0, 1, 1])
  assert.equal(new Set(made.map(transport => transport.id)).size, 4)
})

test('a new transport is empty and in its first state', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport({ appData: { user: 'ada' } })
  assert.equal(transport.endpoint, endpoint)
  assert.deepEqual(transport.appData, { user: 'ada' })
  assert.equal(transport.state, 'new')
  assert.equal(transport.signalingState, 'stable')
  assert.equal(transport.closed, false)
  for (const list of ['incomingStreams', 'incomingTracks', 'outgoingStreams', 'outgoingTracks', 'dataChannels']) {
    assert.deepEqual(transport[list], [], list)
  }
})

test('outgoing streams and tracks carry what they were made with', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ id: 'camera', audio: 1, video: 2, appData: 1 })
  const extra = stream.addTrack('video', { id: 'slides', appData: 2 })
  assert.equal(stream.id, 'camera')
  assert.equal(stream.appData, 1)
  assert.deepEqual(
    stream.tracks.map(track => track.kind),
    ['audio', 'video', 'video', 'video']
  )
  assert.deepEqual(stream.audio, [stream.tracks[0]])
  assert.deepEqual(stream.video, stream.tracks.slice(1))
  assert.deepEqual(transport.outgoingTracks, stream.tracks)
  assert.equal(extra.trackId, 'slides')
  assert.equal(extra.appData, 2)
  assert.equal(extra.stream, stream)
  assert.equal(extra.transport, transport)
  assert.equal(extra.mid, null)
  assert.equal(extra.transponder, null)
})

test('getStats shows the tree', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  const transport = endpoint.createTransport()
  const stats = await endpoint.getStats()
  assert.ok(Math.abs(stats.timestamp - Date.now()) < 60_000)
  assert.deepEqual(
    stats.threads.map(thread => thread.thread),
    [0, 1]
  )
  assert.equal(stats.threads[transport.thread].transports, 1)
  for (const name of ['receiveCalls', 'sendCalls', 'waitCalls', 'wakeups']) {
    assert.ok(Number.isInteger(stats.threads[0][name]), name)
  }
  // A thread that starts late finds the commands before it has waited for anything; then it waits.
  await until(async () => (await endpoint.getStats()).threads[0].waitCalls > 0, 'it waits for commands')
  assert.deepEqual(
    stats.transports.map(({ id }) => id),
    [transport.id]
  )
  const own = await transport.getStats()
  assert.equal(own.id, transport.id)
  assert.equal(own.thread, transport.thread)
  assert.equal(own.state, 'new')
  assert.equal(own.iceLite, true)
})

test('ESM and CommonJS export the same things', async () => {
  const esm = await import(pathToFileURL(path.join(__dirname, '../../index.mjs')).href)
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(medialoom).sort())
  for (const name of Object.keys(medialoom)) assert.equal(esm[name], medialoom[name], name)
  assert.equal(medialoom.version, require('../../package.json').version)
})
