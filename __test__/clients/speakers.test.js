'use strict'

/** Real sound through slots: of four who send a tone each, the two loudest are heard. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout } = require('node:timers/promises')
const { Client } = require('../support/clients/client.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

const TONES = [500, 1000, 1500, 2000]
const [LOUD, QUIET] = [12_000, 1_200]

async function until(what, check, milliseconds = 15_000) {
  const end = Date.now() + milliseconds
  for (;;) {
    const value = await check()
    if (value) return value
    assert.ok(Date.now() < end, what)
    await setTimeout(50)
  }
}

test('of four tones the two loudest are heard, and others when those fall silent, while JavaScript is blocked too', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  const slots = endpoint.createSpeakerSlots(2)
  const talkers = await Promise.all(
    TONES.map(async tone => {
      const client = await Client.start(t, 'tone')
      const transport = endpoint.createTransport()
      await client.call('acceptAnswer', await transport.acceptOffer(await client.call('start', tone)))
      return { client, transport, track: transport.incomingTracks[0] }
    })
  )
  const listener = await Client.start(t, 'tone')
  await listener.call('listenFor', TONES)
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 2 })
  stream.audio.forEach((track, index) => track.attachTo(slots.audio[index]))
  await transport.acceptAnswer(await listener.call('acceptOffer', await transport.createOffer()))
  await Promise.all([transport, ...talkers.map(talker => talker.transport)].map(each => connected(each)))

  const volumes = list => Promise.all(list.map((volume, index) => talkers[index].client.call('setVolume', volume)))
  const speaks = (...of) => of.some(index => talkers[index].track === slots.detector.speaker)
  const hears = async () => (await listener.call('hears')).map(({ frequency }) => frequency).sort((a, b) => a - b)
  // Silence comes first, so that the tones are not taken for the noise of a room. The slots are
  // free: the first two have them before the others speak.
  for (const { track } of talkers) slots.detector.add(track)
  const speaking = new Set()
  slots.detector.on('speaking', (track, is) => speaking[is ? 'add' : 'delete'](track))
  await setTimeout(200)
  await volumes([QUIET, QUIET, 0, 0])
  await until('the first two', async () => String(await hears()) === '500,1000')
  await until('a first speaker', () => speaks(0, 1))

  await volumes([QUIET, QUIET, LOUD, LOUD])
  await until('the two loudest', async () => String(await hears()) === '1500,2000')
  assert.deepEqual(new Set(slots.speakers), new Set([talkers[2].track, talkers[3].track]))
  await until('a louder speaker', () => speaks(2, 3))
  await until('the loud speak', () => speaking.has(talkers[2].track) && speaking.has(talkers[3].track))
  assert.equal(new Set((await listener.call('hears')).map(({ track }) => track)).size, 2)

  // The first begins to speak when nobody here can be asked.
  await talkers[0].client.call('setVolume', LOUD, 500)
  await talkers[3].client.call('setVolume', 0, 400)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000)
  const awake = Date.now()
  const first = await until('the first', async () => (await listener.call('hears')).find(({ frequency }) => frequency === 500))
  assert.ok(first.since < awake - 500, `heard ${awake - first.since} ms before JavaScript went on`)
  await until('the event', () => slots.speakers.includes(talkers[0].track))
  assert.deepEqual(await hears(), [500, 1500])
  await until('who fell silent', () => !speaking.has(talkers[3].track))
})
