'use strict'

/** The source `speakers`: a handful of streams, however many there are in the room. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Endpoint } = require('medialoom')
const { Rooms } = require('medialoom/rooms')
const { offer, publisherOffer } = require('./sdp.js')

/** @type {import('medialoom').Endpoint} */
let endpoint
/** @type {import('medialoom/rooms').Rooms} */
let rooms

before(async () => {
  endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
})
after(() => endpoint.close())
afterEach(() => rooms.close())

async function publisher(name, options = {}) {
  const transport = endpoint.createTransport()
  await transport.acceptOffer(publisherOffer(name))
  return rooms.join('loom', { name, transport, ...options })
}

const listener = (options = {}) =>
  rooms.join('loom', { name: 'Listener', role: 'listener', transport: endpoint.createTransport(), ...options })
const sent = participant => participant.transport.outgoingStreams.map(({ id }) => id)
const detector = () => endpoint.activeSpeakerDetectors.find(({ slots }) => slots.length > 0)

test('a listener gets so many voices and pictures, whoever of many speaks', async () => {
  rooms = new Rooms({ endpoint, speakers: { audio: 2, video: 1 } })
  const speakers = await Promise.all(Array.from({ length: 12 }, (_, index) => publisher(`${index}`)))
  const first = listener({ source: 'speakers' })
  const second = listener({ source: 'speakers' })
  const ids = ['speaker.audio.1', 'speaker.audio.2', 'speaker.video.1']
  assert.deepEqual([sent(first), sent(second)], [ids, ids])
  assert.equal(detector().slots.length, 1, 'one set for all')
  assert.equal(detector().tracks.length, 12)
  const [slots] = detector().slots
  assert.deepEqual(
    first.transport.outgoingTracks.map(({ transponder }) => transponder.slot),
    [...slots.audio, ...slots.video]
  )

  speakers[3].leave()
  assert.equal(detector().tracks.length, 11)
  await publisher('late')
  assert.equal(detector().tracks.length, 12)
  assert.deepEqual(sent(first), ids, 'nothing is negotiated for who comes and goes')
  first.setSource('streams')
  assert.equal(first.transport.outgoingTracks.length, 24)
  second.leave()
  assert.equal(detector(), undefined, 'slots that nobody gets are closed')
})

test('who has a slot is told, by participant', async () => {
  rooms = new Rooms({ endpoint, speakers: { audio: 1, video: 0 } })
  const [ada, grace] = [await publisher('Ada'), await publisher('Grace')]
  const told = []
  const watching = listener()
  watching.on('slots', slots => told.push(slots.map(({ stream, kind, participant }) => [stream, kind, participant?.name ?? null])))
  watching.setSource('speakers')
  const end = Date.now() + 5000
  // The engine gives a free slot to whoever is there.
  while (!told.at(-1)?.[0][2]) {
    assert.ok(Date.now() < end, JSON.stringify(told))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const [[stream, kind, name]] = told.at(-1)
  assert.deepEqual([stream, kind], ['speaker.audio.1', 'audio'])
  const [has, waits] = name === 'Ada' ? [ada, grace] : [grace, ada]
  has.leave()
  while (told.at(-1)[0][2] !== waits.name) {
    assert.ok(Date.now() < end, JSON.stringify(told))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
})

test('a shared screen is a stream of its own', async () => {
  rooms = new Rooms({ endpoint, speakers: { audio: 1, video: 1 } })
  const transport = endpoint.createTransport()
  await transport.acceptOffer(offer(['camera', 'screen'].map(stream => ({ kind: 'video', direction: 'sendonly', stream }))))
  const ada = rooms.join('loom', { name: 'Ada', transport })
  const watching = listener({ source: 'speakers' })
  assert.equal(sent(watching).length, 2)
  ada.setScreens(['screen'])
  const [screen] = ada.publications.filter(publication => publication.screen)
  assert.deepEqual(sent(watching), ['speaker.audio.1', 'speaker.video.1', screen.id])
  ada.setScreens([])
  assert.equal(sent(watching).length, 2)
})

test('in a crowd everybody gets the speakers, but for who chose otherwise, until it has shrunk', async () => {
  rooms = new Rooms({ endpoint, speakers: { audio: 1, video: 1, above: 5 } })
  const chosen = listener({ source: 'streams' })
  const watching = listener()
  const sources = []
  watching.on('source', source => sources.push(source))
  const speakers = []
  for (let index = 0; index < 5; index++) speakers.push(await publisher(`${index}`))
  assert.equal(sent(watching).length, 5)
  speakers.push(await publisher('5'))
  assert.equal(speakers[0].room.crowded, true)
  assert.deepEqual([sent(watching).length, sent(chosen).length, speakers[0].source], [2, 6, 'speakers'])
  speakers.pop().leave()
  assert.equal(sent(watching).length, 2)
  speakers.pop().leave()
  assert.equal(sent(watching).length, 4)
  assert.deepEqual(sources, ['speakers', 'streams'])
})

test('a viewer has whoever speaks on its places, and shared screens and agents on those beyond', async () => {
  rooms = new Rooms({ endpoint, speakers: { audio: 2, video: 1 } })
  for (let index = 0; index < 4; index++) await publisher(`${index}`)
  const viewer = async (count, options = {}) => {
    const transport = endpoint.createTransport()
    const participant = rooms.join('loom', { name: 'Viewer', role: 'viewer', receive: 'places', source: 'speakers', transport, ...options })
    for (let place = 0; place < count; place++) participant.addPlace(transport.createOutgoingStream({ audio: 1, video: 1 }))
    await null
    return participant
  }
  const carried = ({ transport }) =>
    transport.outgoingTracks.map(({ kind, transponder }) =>
      [kind, transponder?.slot ? 'slot' : transponder?.incomingTrack ? 'track' : 'nothing'].join(' ')
    )
  const small = await viewer(1)
  assert.deepEqual(carried(small), ['audio slot', 'video slot'])
  const slotOf = (participant, kind) => participant.transport.outgoingTracks.find(each => each.kind === kind).transponder.slot
  assert.equal(slotOf(small, 'audio').slots.audio.length, 1, 'the loudest, not one of the two loudest')
  const large = await viewer(3)
  assert.deepEqual(carried(large).sort(), ['audio nothing', 'audio slot', 'audio slot', 'video nothing', 'video nothing', 'video slot'])
  assert.equal(slotOf(large, 'video'), slotOf(small, 'video'), 'one set for all who take as many')

  const transport = endpoint.createTransport()
  await transport.acceptOffer(offer([{ kind: 'video', direction: 'sendonly', stream: 'screen' }]))
  const sharer = rooms.join('loom', { name: 'Sharer', transport })
  sharer.setScreens(['screen'])
  assert.equal(carried(large).filter(each => each === 'video track').length, 1)
  assert.equal(carried(small).filter(each => each === 'video track').length, 0)
  sharer.leave()
  assert.equal(carried(large).filter(each => each === 'video track').length, 0)

  small.setSource('streams')
  assert.deepEqual(carried(small), ['audio track', 'video track'])
  small.leave()
  large.leave()
  assert.equal(detector(), undefined, 'slots that nobody gets are closed')
})

test('what the speakers are is checked', () => {
  rooms = new Rooms({ endpoint })
  assert.deepEqual(rooms.speakers, { audio: 3, video: 4, above: 100 })
  for (const speakers of [{ audio: 0 }, { video: 65 }, { above: 'many' }]) {
    assert.throws(() => new Rooms({ endpoint, speakers }), { code: 'ERR_INVALID_ARG' })
  }
})
