'use strict'

/** Writers of sound, and what becomes of who waits for them when their port closes. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Readable, finished } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { loopbackEndpoint } = require('../support/loopback.js')
const { sine } = require('../support/sound.js')

const RATE = 48_000
const FRAME = sine(500, RATE, 0.02)

/** A port with a writer of 100 ms, which somebody listens to unless it is to stand still. */
async function seat(t, { heard = true } = {}) {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true })
  const port = mixer.addPort()
  if (heard) {
    const reader = mixer.createPcmReader().resume()
    t.after(() => reader.destroy())
  }
  return { endpoint, mixer, port, writer: port.createPcmWriter({ bufferDuration: 100 }) }
}

/** What a plain user does: write, and wait while there is no room. */
async function speak(writer) {
  for (;;) if (!writer.write(FRAME)) await once(writer, 'drain')
}

/** Sound until it is told to stop, then silence without an end. */
async function* soundAndSilence(state) {
  try {
    while (!state.silent) yield FRAME
    await new Promise(() => {})
  } finally {
    state.returned = true
  }
}

const closed = { code: 'ERR_CLOSED' }
const soon = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

test('a writer that is too fast is slowed down, and one whose port closes closes without an error', async t => {
  const { port, writer } = await seat(t)
  const since = Date.now()
  for (let i = 0; i < 50; i++) if (!writer.write(FRAME)) await once(writer, 'drain')
  const took = Date.now() - since
  assert.ok(took > 400, `a second of sound was taken in ${took} ms`)
  // Unlike `once()`, this listens for no error.
  const ended = new Promise(resolve => writer.on('close', resolve))
  const failures = []
  for (let i = 0; i < 20; i++) writer.write(FRAME, error => error && failures.push(error))
  port.close()
  await ended
  assert.ok(failures.length > 5)
  assert.equal(failures[0].code, 'ERR_CLOSED')
  assert.equal(writer.write(FRAME), false)
  await soon(10)
  assert.throws(() => port.createPcmWriter(), closed)
})

for (const [what, close] of Object.entries({
  'its port closes': ({ port }) => port.close(),
  'its port gets another writer': ({ port }) => port.createPcmWriter(),
  'the mixer closes': ({ mixer }) => mixer.close(),
  'the endpoint closes': ({ endpoint }) => endpoint.close()
})) {
  test(`whoever waits for a writer to drain is told when ${what}`, { timeout: 10_000 }, async t => {
    // Nobody listens: what was written once fills the queue for good.
    const parts = await seat(t, { heard: false })
    const speaking = assert.rejects(speak(parts.writer), closed)
    await soon(50)
    assert.ok(parts.writer.writableNeedDrain)
    await close(parts)
    await speaking
    assert.ok(parts.writer.destroyed)
  })
}

test('whoever begins to wait after the port closed is told too', { timeout: 10_000 }, async t => {
  const { port, writer } = await seat(t)
  const ended = new Promise(resolve => writer.on('close', resolve))
  port.close()
  await ended
  for (let i = 0; i < 2; i++) await assert.rejects(speak(writer), closed)
})

test('a pipeline ends with the port, even one whose source is silent, and lets go of its source', { timeout: 10_000 }, async t => {
  const { port, writer } = await seat(t)
  const state = { silent: false, returned: false }
  const running = assert.rejects(pipeline(Readable.from(soundAndSilence(state)), writer), closed)
  await soon(150)
  state.silent = true
  await soon(150)
  port.close()
  await running

  const other = await seat(t, { heard: false })
  const speaking = { silent: false, returned: false }
  const stuck = assert.rejects(pipeline(Readable.from(soundAndSilence(speaking)), other.writer), closed)
  const done = assert.rejects(promisify(finished)(other.writer), closed)
  await soon(50)
  other.port.close()
  await Promise.all([stuck, done])
  await soon(10)
  assert.ok(speaking.returned)
})

test('what was written before the end is heard, and a port that closes before fails it', { timeout: 10_000 }, async t => {
  const { mixer, port } = await seat(t)
  let heard = 0
  const reader = mixer.createPcmReader()
  reader.on('data', ({ samples }) => (heard += samples.some(sample => sample > 3_000) ? 20 : 0))
  t.after(() => reader.destroy())
  const frames = Array.from({ length: 40 }, (_, index) => sine(500, RATE, 0.02, index * FRAME.length))
  const writer = port.createPcmWriter({ bufferDuration: 1_000 })
  await pipeline(Readable.from(frames), writer)
  assert.ok(heard > 600, `finished after ${heard} ms`)
  await soon(300)
  assert.ok(Math.abs(heard - 800) <= 40, `${heard} of 800 ms`)
  await pipeline(Readable.from([]), port.createPcmWriter())

  const cut = assert.rejects(pipeline(Readable.from(frames), port.createPcmWriter()), closed)
  await soon(200)
  port.close()
  await cut
})

test('a picture that was written right before the end is shown', { timeout: 10_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ video: { width: 160, height: 90 } })
  const port = mixer.addPort()
  const data = Buffer.alloc(160 * 90 * 4, 255)
  const reader = mixer.createFrameReader({ format: 'rgba' })
  await pipeline(Readable.from([{ data, format: 'rgba', width: 160, height: 90 }]), port.createFrameWriter())
  for await (const frame of reader) if (frame.data[(45 * 160 + 80) * 4] > 240) break
})

test('what is piped into a port that closes stops, and ends no process', async t => {
  const { port, writer } = await seat(t)
  const source = Readable.from(soundAndSilence({ silent: false }))
  source.pipe(writer)
  await soon(50)
  const ended = new Promise(resolve => writer.on('close', resolve))
  port.close()
  await ended
  await soon(10)
  assert.equal(source.readableFlowing, false)
  source.destroy()
})
