'use strict'

/** Real sound through a room's mixer: everyone hears all the others, and not themselves. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Rooms } = require('medialoom/rooms')
const { Client } = require('../support/clients/client.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

const TONES = { Ada: 440, Grace: 1000 }
const LOUD = 8_000

async function until(what, check, milliseconds = 15_000) {
  const end = Date.now() + milliseconds
  for (;;) {
    const [ok, seen] = await check()
    if (ok) return
    assert.ok(Date.now() < end, `${what}; heard ${seen}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

test('in mode mcu peers hear each other and not themselves, a listener hears both, and forwarding takes over live', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 1, mixingThreads: 1 })
  const rooms = new Rooms({ endpoint, mixer: { audio: true } })

  async function join(name, tone, options = {}) {
    const client = await Client.start(t, 'tone')
    await client.call('listenFor', Object.values(TONES))
    const transport = endpoint.createTransport()
    await client.call('acceptAnswer', await transport.acceptOffer(await client.call('start', tone)))
    // What is to be received is offered when the room has a mixer.
    transport.on('negotiationneeded', async () => {
      await transport.acceptAnswer(await client.call('acceptOffer', await transport.createOffer()))
    })
    const participant = rooms.join('loom', { name, transport, mode: 'mcu', ...options })
    await connected(transport)
    await client.call('setVolume', LOUD)
    const hears = async () => String((await client.call('hears')).map(({ frequency }) => frequency).sort((a, b) => a - b))
    return { participant, hears }
  }

  const ada = await join('Ada', TONES.Ada)
  const grace = await join('Grace', TONES.Grace)
  // Its own tone is for nobody.
  const linus = await join('Linus', 2000, { role: 'listener' })
  const all = async () => Promise.all([ada, grace, linus].map(each => each.hears()))
  /** Three times in a row: what is heard by mistake may only flicker. */
  const hear = async (what, wanted) => {
    let times = 0
    await until(what, async () => {
      const heard = (await all()).join(' | ')
      times = heard === wanted.join(' | ') ? times + 1 : 0
      return [times > 4, heard]
    })
  }
  await hear('each other, and both', ['1000', '440', '440,1000'])

  ada.participant.setMuted({ audio: true })
  await hear('a muted one is not heard', ['1000', '', '1000'])
  ada.participant.setMuted({ audio: false })
  grace.participant.room.setMode('sfu')
  await hear('the same by forwarding', ['1000', '440', '440,1000'])
  assert.equal(grace.participant.room.mixer, null)
  rooms.close()
})
