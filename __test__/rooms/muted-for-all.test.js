'use strict'

/** Real sound: what a moderator mutes is heard by nobody, by whatever way and whenever they come. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Rooms } = require('medialoom/rooms')
const { Client } = require('../support/clients/client.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

const TONES = { Ada: 440, Grace: 1000 }
const LOUD = 8_000

/** Three times in a row: what is heard by mistake may only flicker. */
async function hear(what, listeners, wanted, milliseconds = 30_000) {
  const end = Date.now() + milliseconds
  for (let times = 0; times < 4;) {
    const heard = (await Promise.all(listeners.map(each => each.hears()))).join(' | ')
    times = heard === wanted.join(' | ') ? times + 1 : 0
    assert.ok(Date.now() < end, `${what}: wanted ${wanted.join(' | ')}, heard ${heard}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

test('a muted microphone is heard neither forwarded nor mixed nor in a place, by those who are there and who come', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2, mixingThreads: 1 })
  const rooms = new Rooms({ endpoint, mixer: { audio: true } })

  async function join(name, tone, options = {}) {
    const client = await Client.start(t, 'tone')
    await client.call('listenFor', Object.values(TONES))
    const transport = endpoint.createTransport()
    await client.call('acceptAnswer', await transport.acceptOffer(await client.call('start', tone)))
    transport.on('negotiationneeded', async () => {
      try {
        await transport.acceptAnswer(await client.call('acceptOffer', await transport.createOffer()))
      } catch (error) {
        // The test may be over by then.
        if (!transport.closed) throw error
      }
    })
    const participant = rooms.join('loom', { name, transport, ...options })
    if (options.receive === 'places') participant.addPlace(transport.createOutgoingStream({ audio: 1 }))
    await connected(transport)
    await client.call('setVolume', LOUD)
    const hears = async () => String((await client.call('hears')).map(({ frequency }) => frequency).sort((a, b) => a - b))
    return { participant, hears }
  }

  const ada = await join('Ada', TONES.Ada)
  const mixed = await join('Mixed', 2000, { role: 'listener', source: 'mix' })
  const placed = await join('Placed', 2000, { role: 'listener', receive: 'places' })
  const forwarded = await join('Forwarded', 2000, { role: 'listener' })
  const all = [mixed, placed, forwarded]
  await hear('Ada at first', all, ['440', '440', '440'])

  ada.participant.mute('audio')
  await hear('nobody any more', all, ['', '', ''])
  // Who forwards tracks by hand, as a page does for a tile that comes into view, undoes nothing.
  for (const { transponders } of ada.participant.tracks) for (const transponder of transponders) transponder.mute(false)
  all.push(await join('Late', 2000, { role: 'listener' }), await join('Late mixed', 2000, { role: 'listener', source: 'mix' }))
  all.push(await join('Grace', TONES.Grace))
  await hear('Grace alone', all, ['1000', '', '1000', '1000', '1000', ''])

  ada.participant.unmute('audio')
  await hear('both again', all, ['440,1000', '440', '440,1000', '440,1000', '440,1000', '440'])
  rooms.close()
})
