'use strict'

/** Agents with real sound: heard and hearing in every mode, interrupted, and whose turn it is. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { RoomError, Rooms } = require('medialoom/rooms')
const { Client } = require('../support/clients/client.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')
const { power, sine } = require('../support/sound.js')

const RATE = 48_000
const LOUD = 8_000
const VOICE = 440
const PERSON = 1000
const soon = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

async function until(what, check, milliseconds = 30_000) {
  const end = Date.now() + milliseconds
  while (!(await check())) {
    assert.ok(Date.now() < end, what)
    await soon(30)
  }
}

/** A room, and how somebody comes to it who sends a tone. */
async function setUp(t, mode) {
  const endpoint = await loopbackEndpoint(t, { threads: 2, mixingThreads: 2 })
  const rooms = new Rooms({ endpoint, mixer: { audio: true } })
  t.after(() => rooms.close())
  const join = async (name, options = {}) => {
    const client = await Client.start(t, 'tone')
    await client.call('listenFor', [VOICE, PERSON])
    const transport = endpoint.createTransport()
    await client.call('acceptAnswer', await transport.acceptOffer(await client.call('start', PERSON)))
    transport.on('negotiationneeded', async () => {
      try {
        await transport.acceptAnswer(await client.call('acceptOffer', await transport.createOffer()))
      } catch (error) {
        // The test may be over by then.
        if (!transport.closed) throw error
      }
    })
    const participant = rooms.join('loom', { name, mode, transport, ...options })
    await connected(transport)
    const hears = async tone => (await client.call('hears')).some(({ frequency }) => frequency === tone)
    return { participant, client, hears }
  }
  return { endpoint, rooms, join }
}

/** Writes so many seconds of the agent's voice at once; they wait until they are said. */
function say(writer, seconds) {
  for (let at = 0; at < seconds * 50; at++) writer.write(sine(VOICE, RATE, 0.02, (at * RATE) / 50, LOUD))
}

for (const mode of ['sfu', 'mcu', 'broadcast']) {
  test(`in mode ${mode} an agent is heard by members and listeners and hears who speaks, each alone and all`, async t => {
    const { rooms, join } = await setUp(t, mode)
    const ada = await join('Ada')
    const listener = await join('Listener', { role: 'listener' })
    const participant = rooms.join('loom', { name: 'Agent', agent: true })
    const { agent } = participant
    const starting = once(agent, 'speechstart')
    assert.deepEqual([participant.role, agent.participant], ['agent', participant])
    const writer = await agent.createPcmWriter({ bufferDuration: 10_000 })
    say(writer, 60)
    const heard = { alone: false, all: false }
    for (const [what, from] of [
      ['alone', ada.participant],
      ['all', undefined]
    ]) {
      const reader = await agent.createPcmReader(from && { from })
      reader.on('data', ({ samples }) => (heard[what] ||= power(samples, PERSON, RATE) > 0.05))
    }
    await ada.client.call('setVolume', LOUD)
    await until('members hear the agent', () => ada.hears(VOICE))
    await until('listeners hear the agent', () => listener.hears(VOICE))
    await until('the agent hears', () => heard.alone && heard.all)
    assert.deepEqual(await starting, [ada.participant])
    participant.mute('audio')
    await until('a muted agent is not heard', async () => !(await ada.hears(VOICE)) && !(await listener.hears(VOICE)))
    participant.unmute('audio')
    await until('it is heard again', () => ada.hears(VOICE))
    const ending = once(agent, 'speechend')
    await ada.client.call('setVolume', 0)
    assert.equal((await ending)[0], ada.participant)
    assert.ok(agent.interrupt() > 0, 'something was said')
    await until('an agent that was interrupted is not heard', async () => !(await ada.hears(VOICE)) && !(await listener.hears(VOICE)))
    say(writer, 20)
    await until('it speaks again', () => ada.hears(VOICE))
    participant.leave()
    await until('what it said is over', () => writer.destroyed)
    await until('nobody hears an agent that left', async () => !(await ada.hears(VOICE)))
  })
}

test('an agent is told whose turn begins and ends, after the silence it asked for, and falls silent when interrupted', async t => {
  const { rooms, join } = await setUp(t, 'sfu')
  const ada = await join('Ada')
  const { agent } = rooms.join('loom', { name: 'Agent', agent: { silence: 300, interruptible: true } })
  const writer = await agent.createPcmWriter({ bufferDuration: 10_000 })
  say(writer, 20)
  await until('Ada hears the agent', () => ada.hears(VOICE))
  const starting = once(agent, 'speechstart')
  const interrupting = once(agent, 'interrupted')
  await ada.client.call('setVolume', LOUD)
  const [who] = await starting
  const [by, heard] = await interrupting
  assert.deepEqual([who, by], [ada.participant, ada.participant])
  assert.ok(heard > 0 && heard < 15_000, `${heard} ms were said`)
  const { position } = writer
  await soon(200)
  assert.ok(writer.position - position <= 40, `${writer.position - position} ms more were said`)
  assert.ok(Math.abs(agent.heard - (writer.position - position)) < 100, 'counted anew')
  await until('Ada hears the agent no more', async () => !(await ada.hears(VOICE)))

  const ending = once(agent, 'speechend')
  const patient = once(rooms.join('loom', { name: 'Patient', agent: { silence: 1500 } }).agent, 'speechstart')
  const [talking] = await patient
  assert.equal(talking, ada.participant, 'who speaks when an agent comes is told as well')
  const waiting = once(rooms.get('loom').participants.at(-1).agent, 'speechend').then(() => performance.now())
  await ada.client.call('setVolume', 0)
  const [ended, duration] = await ending
  const first = performance.now()
  assert.equal(ended, ada.participant)
  assert.ok(duration > 200, `a turn of ${duration} ms`)
  assert.ok((await waiting) - first > 600, 'the silence is the one that was asked for')
  say(writer, 1)
  await until('it speaks again', () => ada.hears(VOICE))
})

test('what an agent is made with is checked, and it has no place where no media passes the server', async t => {
  const { rooms } = await setUp(t, 'sfu')
  const refuses = (agent, field) =>
    assert.throws(
      () => rooms.join('loom', { name: 'Agent', agent }),
      error => error instanceof RoomError && error.code === 'ERR_INVALID_ARG' && error.field === field
    )
  refuses({ silence: -1 }, 'agent.silence')
  refuses({ voice: true }, 'agent.voice')
  refuses({ audio: false }, 'agent')
  refuses('yes', 'agent')
  assert.throws(() => rooms.join('loom', { name: 'Agent', role: 'agent' }), { code: 'ERR_INVALID_ARG' })
  assert.throws(() => rooms.join('peers', { name: 'Agent', mode: 'p2p', agent: true }), { code: 'ERR_ROOM_MODE' })
  const agent = rooms.join('loom', { name: 'Agent', agent: true })
  assert.throws(() => agent.room.setMode('p2p'), { code: 'ERR_ROOM_MODE' })
})

test('an agent that shows pictures is seen as anybody, and one that leaves at once leaves nothing behind', async t => {
  const { endpoint, rooms } = await setUp(t, 'sfu')
  const viewer = rooms.join('loom', { name: 'Ada', transport: endpoint.createTransport() })
  const { agent, room } = rooms.join('loom', { name: 'Agent', agent: { video: { width: 320, height: 180 } } })
  const [publication] = await once(room, 'published')
  assert.deepEqual(
    publication.tracks.map(({ kind }) => kind),
    ['audio', 'video']
  )
  const writer = await agent.createFrameWriter()
  await until('both are forwarded', () => viewer.transport.outgoingTracks.length === 2)
  writer.write({ data: Buffer.alloc(64 * 64 * 4), format: 'rgba', width: 64, height: 64 })

  const hasty = rooms.join('loom', { name: 'Hasty', agent: true })
  const refused = hasty.agent.createPcmWriter()
  hasty.leave()
  await assert.rejects(refused, /left/)
  agent.participant.leave()
  await until('no mixer is left', () => endpoint.mixers.length === 0)
})
