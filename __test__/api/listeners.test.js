'use strict'

/** What the engine is told of listeners goes on when an application takes all of its own away. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { loopbackEndpoint } = require('../support/loopback.js')
const { kDispatcher } = require('../../lib/object/internal.js')

/** Objects of each class that the engine has to know listeners of, with the event. */
const LISTENED = {
  'an incoming track': async endpoint => {
    const { incomingTracks } = await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }] } })
    return [incomingTracks[0], 'audiolevel', 'listenLevels']
  },
  'a mixed track': async endpoint => [(await endpoint.createMixer({ audio: true })).audio, 'audiolevel', 'listenMixedLevels'],
  'a transport': async endpoint => [endpoint.createTransport(), 'bandwidth', 'listenBandwidth'],
  'a transport of plain RTP': async endpoint => [
    await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }] } }),
    'bandwidth',
    'listenBandwidth'
  ],
  'a detector': async endpoint => [endpoint.createActiveSpeakerDetector(), 'speaking', 'listenSpeaking']
}

/** What is said to the engine by one of its functions from now on: the last argument of each call. */
function said(object, name) {
  const { native } = object[kDispatcher]
  const calls = []
  const own = native[name]
  assert.equal(typeof own, 'function', name)
  Object.defineProperty(native, name, {
    configurable: true,
    value(...args) {
      calls.push(args.at(-1))
      return own.apply(native, args)
    }
  })
  return calls
}

for (const [what, make] of Object.entries(LISTENED)) {
  test(`${what} without any listeners of the application tells of the next ones`, async t => {
    const endpoint = await loopbackEndpoint(t)
    const [object, event, name] = await make(endpoint)
    const calls = said(object, name)
    object.on(event, () => {})
    assert.deepEqual(calls, [true])
    assert.equal(object.removeAllListeners(), object)
    assert.deepEqual(calls, [true, false])
    assert.equal(object.listenerCount(event), 0)
    object.on(event, () => {})
    assert.deepEqual(calls, [true, false, true])
    for (const names of [['newListener'], ['removeListener'], [event], []]) object.removeAllListeners(...names)
    assert.deepEqual(calls, [true, false, true, false])
    object.once(event, () => {})
    assert.equal(calls.length, 5)
    assert.equal(object.listenerCount('newListener'), 1, 'and is not told twice')
  })
}

test('a channel that is only forwarded is heard by who listens after all listeners were taken away', async t => {
  const endpoint = await loopbackEndpoint(t)
  const [from, to] = [0, 1].map(index => endpoint.createTransport().createDataChannel(`${index}`))
  const calls = said(from, 'listenChannel')
  from.on('message', () => {})
  to.attachTo(from)
  assert.deepEqual(calls, [])
  from.removeAllListeners()
  assert.deepEqual(calls, [false])
  from.on('message', () => {})
  assert.deepEqual(calls, [false, true])
})

test('listeners of the application for listeners go with the others, and those of the package stay', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const heard = []
  transport.on('newListener', name => heard.push(name))
  transport.removeAllListeners('newListener')
  transport.on('state', () => {})
  assert.deepEqual(heard, [])
})
