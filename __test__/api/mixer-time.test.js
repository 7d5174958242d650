'use strict'

/** What is played takes its time, whether or not anybody listens; and can be taken back. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { loopbackEndpoint } = require('../support/loopback.js')
const { power, sine, wav } = require('../support/sound.js')

const RATE = 48_000
const FRAME = sine(500, RATE, 0.02)
const soon = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

async function seat(t) {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180 } })
  return { mixer, port: mixer.addPort() }
}

test('a file that nobody hears ends when it is through', async t => {
  const { port } = await seat(t)
  const since = Date.now()
  await port.playFile(wav(sine(440, RATE, 0.5), RATE))
  await once(port, 'fileended', { signal: AbortSignal.timeout(8000) })
  const took = Date.now() - since
  assert.ok(took > 400, `half a second was played in ${took} ms`)
})

test('what is written to a mixer that nobody hears is taken as fast as it would be heard', async t => {
  const { port } = await seat(t)
  const writer = port.createPcmWriter()
  const since = Date.now()
  await pipeline(Readable.from(Array(100).fill(FRAME)), writer, { signal: AbortSignal.timeout(10_000) })
  const took = Date.now() - since
  assert.ok(took > 1500, `two seconds were taken in ${took} ms`)
})

test('pictures written to a mixer that nobody sees do not hold their writer up', async t => {
  const { port } = await seat(t)
  const frame = { data: Buffer.alloc(64 * 64 * 4), format: 'rgba', width: 64, height: 64 }
  await pipeline(Readable.from(Array(20).fill(frame)), port.createFrameWriter(), { signal: AbortSignal.timeout(8000) })
})

test('a writer says how much was played, and what it takes back is not', async t => {
  const { mixer, port } = await seat(t)
  const reader = mixer.createPcmReader()
  const loud = []
  reader.on('data', ({ samples }) => loud.push(power(samples, 500, RATE) > 0.05))
  const writer = port.createPcmWriter({ bufferDuration: 2000 })
  for (let i = 0; i < 100; i++) writer.write(FRAME)
  assert.ok(writer.waiting > 1500)
  while (writer.position < 300) await soon(10)
  const before = writer.position
  const heard = loud.length
  writer.clear()
  assert.ok(writer.position - before <= 40, `${before}, then ${writer.position}`)
  assert.equal(writer.waiting, 0)
  await soon(600)
  const after = loud.slice(heard).filter(Boolean).length
  // What is on its way to the reader, and the tick at hand.
  assert.ok(after <= 5, `${after} frames of 20 ms were heard after it`)
  assert.ok(writer.position < before + 60, 'nothing more was played')

  for (let i = 0; i < 10; i++) writer.write(FRAME)
  const again = loud.length
  await soon(600)
  const said = loud.slice(again).filter(Boolean).length
  assert.ok(said >= 8 && said <= 11, `${said} of 10 frames that were written next were heard`)
})

test('writes that wait when all is taken back succeed, and the next go on', async t => {
  const { port } = await seat(t)
  const writer = port.createPcmWriter({ bufferDuration: 100 })
  const written = []
  for (let i = 0; i < 50; i++) writer.write(FRAME, error => written.push(error ?? null))
  writer.clear()
  await soon(50)
  assert.deepEqual(written, Array(50).fill(null))
  writer.end(FRAME)
  await once(writer, 'finish', { signal: AbortSignal.timeout(5000) })
})
