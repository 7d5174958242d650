'use strict'

/** What ends gets through to the engine however much waits there: else it would go on without anybody to end it. */

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { nextEvent, until } = require('../support/events.js')
const { folder } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { RtspServer } = require('../support/rtsp.js')
const { kDispatcher } = require('../../lib/object/internal.js')

const PCMU = { codecs: [{ name: 'pcmu' }] }

/** Something of each class that can be closed, and the function of the engine that closes it. */
const CLOSED = {
  'a transport': [endpoint => endpoint.createTransport(), 'closeTransport'],
  'a transport of plain RTP': [endpoint => endpoint.createRtpTransport({ audio: PCMU }), 'closeTransport'],
  'an incoming track': [async endpoint => (await endpoint.createRtpTransport({ audio: PCMU })).incomingTracks[0], 'removeIncomingTrack'],
  'an outgoing track': [endpoint => endpoint.createTransport().createOutgoingStream({ audio: 1 }).audio[0], 'removeOutgoingTrack'],
  'an outgoing stream': [endpoint => endpoint.createTransport().createOutgoingStream({ audio: 1 }), 'removeOutgoingTrack'],
  'a channel': [endpoint => endpoint.createTransport().createDataChannel('chat'), 'closeChannel'],
  'a detector': [endpoint => endpoint.createActiveSpeakerDetector(), 'closeSpeakers'],
  'slots of speakers': [endpoint => endpoint.createActiveSpeakerDetector().createSlots(1), 'closeSpeakerSlots'],
  'a mixer': [endpoint => endpoint.createMixer({ audio: true }), 'closeMixer'],
  'a port of a mixer': [async endpoint => (await endpoint.createMixer({ audio: true })).addPort(), 'removePort'],
  'a recorder': [(endpoint, t) => endpoint.createRecorder(path.join(folder(t), 'a.webm')), 'closeRecorder'],
  'a stream of HLS': [endpoint => endpoint.createHls({ name: 'stage' }), 'closeHls'],
  'a server of RTMP': [endpoint => endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: () => true }), 'closeIngestServer'],
  'a server of SRT': [endpoint => endpoint.createSrtServer({ port: 0, ip: '127.0.0.1', authorize: () => true }), 'closeIngestServer'],
  'an input by RTSP': [async (endpoint, t) => endpoint.pullRtsp((await RtspServer.start(t)).url, { allowPrivate: true }), 'closeRtsp']
}

/** Has a function of the engine refuse the first calls. Gives how often it was called, and how often it took one. */
function refusing(native, name, refusals) {
  const calls = { made: 0, taken: 0 }
  const own = native[name]
  assert.equal(typeof own, 'function', name)
  Object.defineProperty(native, name, {
    configurable: true,
    value(...args) {
      if (++calls.made <= refusals) throw Object.assign(Object.create(null), { code: 'ERR_QUEUE_FULL', message: 'full' })
      calls.taken++
      return own.apply(native, args)
    }
  })
  return calls
}

for (const [what, [make, name]] of Object.entries(CLOSED)) {
  test(`the end of ${what} gets through although the queue is full at first`, async t => {
    const endpoint = await loopbackEndpoint(t)
    const object = await make(endpoint, t)
    const calls = refusing(object[kDispatcher].native, name, 3)
    const closed = nextEvent(object, 'closed')
    await object.close()
    await closed
    await until(() => calls.taken > 0, `a call of ${name} that is taken`)
    assert.ok(calls.made > 3)
  })
}
