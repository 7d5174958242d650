'use strict'

/** When readers of a mixer end, and what they give. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { loopbackEndpoint } = require('../support/loopback.js')

const soon = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Reads to the end; gives how much there was. */
async function readAll(reader) {
  let count = 0
  for await (const _ of reader) count++
  return count
}

for (const [what, read] of Object.entries({
  "a port's own sound": port => port.createPcmReader({ source: 'own' }),
  'the sound that a port gets': port => port.createPcmReader(),
  'the pictures of a port': port => port.createFrameReader()
})) {
  test(`a reader of ${what} ends when the port closes, and others go on`, async t => {
    const endpoint = await loopbackEndpoint(t)
    const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180 } })
    const [port, other] = [mixer.addPort(), mixer.addPort()]
    const [reader, stays] = [read(port), read(other)]
    const ended = readAll(reader)
    let otherEnded = false
    const kept = readAll(stays).then(() => (otherEnded = true))
    await soon(200)
    port.close()
    await ended
    await soon(100)
    assert.equal(otherEnded, false)
    await mixer.close()
    await kept
  })
}

test('destroy() ends a for await without an error, and one with an error throws it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180 } })
  const port = mixer.addPort()
  for (const reader of [mixer.createPcmReader(), port.createPcmReader({ source: 'own' }), mixer.createFrameReader()]) {
    setTimeout(() => reader.destroy(), 100)
    await readAll(reader)
  }
  const broken = mixer.createPcmReader()
  setTimeout(() => broken.destroy(new Error('the disk is full')), 100)
  await assert.rejects(readAll(broken), /the disk is full/)
})

test('a reader of pictures gives what changed, or as many as it is asked for, as bytes if wanted', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ video: { width: 320, height: 180, frameRate: 25 } })
  const counted = async options => {
    const reader = mixer.createFrameReader(options)
    const sizes = []
    reader.on('data', frame => sizes.push((Buffer.isBuffer(frame) ? frame : frame.data).length))
    await soon(2000)
    reader.destroy()
    return sizes
  }
  const [changed, steady, raw] = await Promise.all([
    counted({}),
    counted({ steady: true, frameRate: 10 }),
    counted({ steady: true, frameRate: 10, raw: true, format: 'rgba', width: 32, height: 18 })
  ])
  assert.ok(changed.length < 5, `${changed.length} pictures of a canvas that stands still`)
  assert.ok(steady.length > 12 && steady.length < 24, `${steady.length} pictures in two seconds at ten a second`)
  assert.ok(raw.length > 12)
  assert.deepEqual([...new Set(raw)], [32 * 18 * 4])
  assert.throws(() => mixer.createFrameReader({ steady: 'yes' }), { code: 'ERR_INVALID_ARG', field: 'options.steady' })
})
