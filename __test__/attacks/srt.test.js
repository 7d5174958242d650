'use strict'

/** Strangers at the port for SRT: whoever is in a call, or pushes already, loses nothing. */

const assert = require('node:assert/strict')
const dgram = require('node:dgram')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { nextEvent, until } = require('../support/events.js')
const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')
const { SrtClient, capabilities, handshake } = require('../support/srt.js')

const STREAM = fs.readFileSync(path.join(__dirname, '../../src/ingest/ts/testing/h264-aac.ts'))
const SECONDS = 3
/** Packets of sound in a second. */
const RATE = 50
/** Datagrams of garbage in each 20 ms. */
const GARBAGE = 100

/** What may come instead of an encoder. */
const STRANGERS = [
  () => Buffer.alloc(0),
  () => randomBytes(1 + Math.floor(Math.random() * 1400)),
  // Inductions, of which nobody concludes anything.
  () => handshake({ type: 1, version: 4, field: 2, socket: randomBytes(4).readUInt32BE() }),
  // Conclusions with cookies that were guessed.
  () => handshake({ type: 0xffffffff, field: 5, socket: 7, cookie: randomBytes(4).readUInt32BE(), extensions: [capabilities()] }),
  // Packets for sockets that were guessed: payloads, reports, goodbyes.
  () => Buffer.concat([randomBytes(16), Buffer.alloc(1316)]),
  () => Buffer.concat([Buffer.from('80050000', 'hex'), randomBytes(12)]),
  () => Buffer.concat([Buffer.from('80030000', 'hex'), randomBytes(1400)])
]

/** Sound of a mixer on its way to a peer: packets that came, and those that did not. */
async function call(t, endpoint) {
  const mixer = await endpoint.createMixer({ audio: true })
  mixer.addPort().setTone({ frequency: 440 })
  const sender = endpoint.createTransport({ iceLite: false })
  sender.createOutgoingStream({ audio: 1 }).audio[0].attachTo(mixer.audio)
  const receiver = (await loopbackEndpoint(t)).createTransport()
  await negotiate(sender, receiver)
  await Promise.all([connected(sender), connected(receiver)])
  const counts = async () => {
    const [track] = (await receiver.getStats()).incomingTracks
    return track?.encodings[0] ?? { packetsReceived: 0, packetsLost: 0 }
  }
  await until(async () => (await counts()).packetsReceived > 10, 'sound')
  return counts
}

test('garbage, guesses and half a handshake at the port for SRT: the call and the encoder go on', { timeout: 60_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const server = await endpoint.createSrtServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret' })
  const counts = await call(t, endpoint)
  const arrived = nextEvent(server, 'input')
  const encoder = await SrtClient.call(t, server.port)
  const [input] = await arrived
  await until(() => encoder.accepted, 'the answer')

  const strangers = Array.from({ length: 10 }, () => dgram.createSocket('udp4'))
  t.after(() => strangers.forEach(socket => socket.close()))
  const before = await counts()
  const began = performance.now()
  let sent = 0
  while (performance.now() - began < SECONDS * 1000) {
    for (let number = 0; number < GARBAGE; number++, sent++) {
      strangers[sent % strangers.length].send(STRANGERS[sent % STRANGERS.length](), server.port, '127.0.0.1')
    }
    encoder.stream(STREAM)
    await sleep(20)
  }
  const seconds = (performance.now() - began) / 1000
  const after = await counts()
  assert.equal(after.packetsLost, before.packetsLost)
  const share = (after.packetsReceived - before.packetsReceived) / (RATE * seconds)
  assert.ok(share > 0.8, `${Math.round(share * 100)} % of the sound came`)
  const frames = (await input.getStats()).video.frames
  encoder.stream(STREAM)
  await until(async () => (await input.getStats()).video.frames > frames, 'pictures of the encoder')
  assert.ok(!input.closed && !encoder.gone)

  // And an honest encoder from the same address is let in.
  const second = nextEvent(server, 'input')
  const late = await SrtClient.call(t, server.port)
  await second
  await until(() => late.accepted, 'its answer')
})
