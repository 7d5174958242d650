'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { nextEvent } = require('../support/events.js')
const { connected, connectedPair, loopbackEndpoint, negotiate } = require('../support/loopback.js')

/** One that sends sound to another, connected. */
async function call(t) {
  const { client, server } = await connectedPair(t)
  const {
    audio: [outgoing]
  } = client.createOutgoingStream({ audio: 1 })
  await negotiate(client, server)
  return { client, endpoint: server.endpoint, outgoing, incoming: server.incomingTracks.find(track => track.kind === 'audio') }
}

test('keys that are pressed on one side are told on the other, once each and in order', async t => {
  const { outgoing, incoming } = await call(t)
  const heard = []
  incoming.on('telephoneevent', event => heard.push(event))
  for (const key of ['1', '#']) await outgoing.sendTelephoneEvent({ key, duration: 60 })
  await outgoing.sendTelephoneEvent({ event: 16, volume: -20 })
  while (heard.length < 3) await nextEvent(incoming, 'telephoneevent')
  assert.deepEqual(heard, [
    { event: 1, key: '1', duration: 60, volume: -10 },
    { event: 11, key: '#', duration: 60, volume: -10 },
    { event: 16, key: null, duration: 100, volume: -20 }
  ])
})

test('a key is forwarded like the sound of its track', async t => {
  const { endpoint, outgoing, incoming } = await call(t)
  const away = await loopbackEndpoint(t)
  const viewer = endpoint.createTransport()
  const listener = away.createTransport({ iceLite: false })
  const {
    audio: [forwarded]
  } = viewer.createOutgoingStream({ audio: 1 })
  forwarded.attachTo(incoming)
  const both = Promise.all([connected(viewer), connected(listener)])
  await negotiate(viewer, listener)
  await both
  const heard = nextEvent(listener.incomingTracks[0], 'telephoneevent')
  // The first key makes the source known; what comes before its receivers know of it is not theirs.
  for (let n = 0; n < 3; n++) await outgoing.sendTelephoneEvent({ key: '7' })
  const [{ key }] = await heard
  assert.equal(key, '7')
})

test('keys are refused where there is nobody, in video, and when they are none', async t => {
  const { client, outgoing } = await call(t)
  const {
    video: [video],
    audio: [early]
  } = client.createOutgoingStream({ video: 1, audio: 1 })
  await assert.rejects(video.sendTelephoneEvent({ key: '1' }), { code: 'ERR_INVALID_STATE' })
  await assert.rejects(early.sendTelephoneEvent({ key: '1' }), { code: 'ERR_INVALID_STATE' })
  for (const [options, field] of [
    [{}, 'options.key'],
    [{ key: '1', event: 1 }, 'options.key'],
    [{ key: 'x' }, 'options.key'],
    [{ event: 256 }, 'options.event'],
    [{ key: '1', duration: 1 }, 'options.duration'],
    [{ key: '1', volume: 1 }, 'options.volume']
  ]) {
    await assert.rejects(outgoing.sendTelephoneEvent(options), { code: 'ERR_INVALID_ARG', field })
  }
  outgoing.close()
  await assert.rejects(outgoing.sendTelephoneEvent({ key: '1' }), { code: 'ERR_CLOSED' })
})
