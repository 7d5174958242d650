'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Endpoint } = require('../..')
const { nextEvent } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')

/** Notes the name and reason of everything that closes. */
function watch(objects) {
  const closings = []
  for (const [name, object] of Object.entries(objects)) {
    object.on('closed', (...reasons) => closings.push([name, ...reasons]))
  }
  return closings
}

function tree(endpoint) {
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
  const [audio, video] = stream.tracks
  const channel = transport.createDataChannel('chat')
  return { endpoint, transport, stream, audio, video, channel }
}

test('closing an endpoint closes everything below, children first, each once with its reason', async t => {
  const endpoint = await loopbackEndpoint(t)
  const objects = tree(endpoint)
  const closings = watch(objects)
  await endpoint.close()
  assert.deepEqual(closings, [
    ['audio', 'parent'],
    ['video', 'parent'],
    ['stream', 'parent'],
    ['channel', 'parent'],
    ['transport', 'parent'],
    ['endpoint', 'closed']
  ])
  for (const [name, object] of Object.entries(objects)) assert.equal(object.closed, true, name)
  assert.deepEqual(endpoint.transports, [])
})

test('closing a transport leaves the endpoint and the others open', async t => {
  const endpoint = await loopbackEndpoint(t)
  const { transport, stream, channel } = tree(endpoint)
  const other = endpoint.createTransport()
  const closings = watch({ endpoint, other, transport, stream, channel })
  const states = []
  transport.on('state', state => states.push(state))
  await transport.close()
  assert.deepEqual(closings, [
    ['stream', 'parent'],
    ['channel', 'parent'],
    ['transport', 'closed']
  ])
  assert.deepEqual(states, ['closed'])
  assert.equal(transport.state, 'closed')
  assert.equal(transport.signalingState, 'closed')
  assert.deepEqual(endpoint.transports, [other])
})

test('closing a stream closes its tracks; closing a track leaves the stream', async t => {
  const endpoint = await loopbackEndpoint(t)
  const { transport, stream, audio, video } = tree(endpoint)
  const closings = watch({ stream, audio, video })
  audio.close()
  await nextEvent(audio, 'closed')
  assert.deepEqual(closings, [['audio', 'closed']])
  assert.deepEqual(stream.tracks, [video])
  stream.close()
  await nextEvent(stream, 'closed')
  assert.deepEqual(closings, [
    ['audio', 'closed'],
    ['video', 'parent'],
    ['stream', 'closed']
  ])
  assert.deepEqual(transport.outgoingStreams, [])
  assert.deepEqual(transport.outgoingTracks, [])
})

test('the name of a closed stream is free again', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  transport.createOutgoingStream({ id: 'camera' }).close()
  assert.equal(transport.createOutgoingStream({ id: 'camera' }).closed, false)
})

test('closed is true at once, the event comes after close() returned', async t => {
  const endpoint = await loopbackEndpoint(t)
  const { audio, channel, transport } = tree(endpoint)
  for (const object of [audio, channel, transport]) {
    void object.close()
    assert.equal(object.closed, true)
    const [reason] = await nextEvent(object, 'closed')
    assert.equal(reason, 'closed')
  }
})

test('closing twice is fine and means the same promise', async t => {
  const endpoint = await loopbackEndpoint(t)
  const { transport, stream, audio, channel } = tree(endpoint)
  const closings = watch({ endpoint, transport, stream, audio, channel })
  for (const object of [audio, stream, channel]) {
    object.close()
    object.close()
  }
  assert.equal(transport.close(), transport.close())
  assert.equal(endpoint.close(), endpoint.close())
  await Promise.all([transport.close(), endpoint.close()])
  assert.equal(closings.length, 5, 'each closed once')
  await endpoint.close()
  await transport.close()
  audio.close()
  assert.equal(closings.length, 5, 'and no more')
})

test('close() after the parent closed resolves', async () => {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const { transport, stream, channel } = tree(endpoint)
  await endpoint.close()
  await transport.close()
  stream.close()
  channel.close()
})

test('calls that wait when their object closes reject with ERR_CLOSED', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const settled = Promise.allSettled([transport.getStats(), transport.createOffer(), transport.rollback()])
  await transport.close()
  for (const { status, reason } of await settled) {
    assert.equal(status, 'rejected')
    assert.equal(reason.code, 'ERR_CLOSED')
  }
  const stats = assert.rejects(endpoint.getStats(), { code: 'ERR_CLOSED' })
  await endpoint.close()
  await stats
})

test('objects dispose of themselves', async () => {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const { transport, stream, audio, channel } = tree(endpoint)
  audio[Symbol.dispose]()
  assert.equal(audio.closed, true)
  stream[Symbol.dispose]()
  assert.equal(stream.closed, true)
  channel[Symbol.dispose]()
  assert.equal(channel.closed, true)
  await transport[Symbol.asyncDispose]()
  assert.equal(transport.closed, true)
  await endpoint[Symbol.asyncDispose]()
  assert.equal(endpoint.closed, true)
})

test('a listener may close what is closing already', async t => {
  const endpoint = await loopbackEndpoint(t)
  const { transport, stream } = tree(endpoint)
  stream.on('closed', () => {
    void transport.close()
    void endpoint.close()
  })
  const closings = watch({ stream, transport, endpoint })
  await transport.close()
  await endpoint.close()
  assert.deepEqual(closings, [
    ['stream', 'parent'],
    ['transport', 'closed'],
    ['endpoint', 'closed']
  ])
})

test('a hundred endpoints come and go', async () => {
  for (let count = 0; count < 100; count++) {
    const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
    endpoint.createTransport()
    await endpoint.close()
  }
})
