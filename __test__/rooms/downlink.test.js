'use strict'

/** How a client says what it shows and how much may come, and is told what comes. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { offer, publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
let clients = []

const LIMITS = { viewsPerSecond: 1, viewBurst: 4, figuresInterval: 100 }

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true,
    limits: LIMITS
  })
})
after(() => server.close())
afterEach(() => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

/** A publisher, a viewer, the viewer's side in the server, and the stream that it gets. */
async function publisherAndViewer() {
  const publisher = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada' })
  const viewer = await SignalingClient.joined(server.url, { room: 'loom', name: 'Grace' })
  clients.push(publisher, viewer)
  publisher.send({ type: 'offer', connection: 1, id: 1, sdp: publisherOffer('cam') })
  await publisher.next('answer')
  viewer.send({ type: 'offer', connection: 1, id: 1, sdp: offer([{ kind: 'audio', direction: 'sendonly', stream: 'mic' }]) })
  const { stream } = await viewer.next('encoding')
  const participant = server.rooms.get('loom').participants.find(each => each.name === 'Grace')
  return { publisher, viewer, participant, stream }
}

/** @param {import('medialoom/rooms').Participant} participant */
const transponderOf = participant => participant.transport.outgoingTracks.find(track => track.kind === 'video').transponder

test('the size of a tile becomes a preference, and a tile that is not on show is not sent', async () => {
  const { viewer, participant, stream } = await publisherAndViewer()
  viewer.send({
    type: 'view',
    streams: [
      { id: stream, width: 640, height: 360, priority: 4 },
      { id: 'unheard-of', width: 1, height: 1 }
    ]
  })
  await viewer.seen('error')
  const transponder = transponderOf(participant)
  assert.deepEqual(transponder.preferences, { maxWidth: 640, maxHeight: 360, priority: 4 })
  assert.equal(transponder.muted, false)

  viewer.send({ type: 'view', streams: [{ id: stream, width: 0, height: 0 }] })
  await viewer.seen('error')
  assert.equal(transponder.muted, true)

  viewer.send({ type: 'view', streams: [] })
  assert.deepEqual(await viewer.seen('error'), [])
  assert.equal(transponder.muted, false)
  assert.deepEqual(transponder.preferences, {})
})

test('what was said of a stream holds for the next connection too', async () => {
  const { viewer, participant, stream } = await publisherAndViewer()
  viewer.send({ type: 'view', streams: [{ id: stream, width: 320, height: 180, priority: 1 }] })
  viewer.send({ type: 'limit-downlink', bitrate: 300_000 })
  viewer.send({ type: 'watch-figures', streams: [stream] })
  viewer.send({ type: 'reset' })
  const { connection } = await viewer.next('reset')
  viewer.send({ type: 'offer', connection, id: 1, sdp: offer([{ kind: 'audio', direction: 'sendonly', stream: 'mic' }]) })
  await viewer.next('answer')
  assert.deepEqual(transponderOf(participant).preferences, { maxWidth: 320, maxHeight: 180, priority: 1 })
  const { limit } = await viewer.next('figures')
  assert.equal(limit, 300_000)
})

test('figures come only while they are watched, of the streams that were named', async () => {
  const { viewer, stream } = await publisherAndViewer()
  assert.deepEqual(await viewer.seen('figures'), [])
  viewer.send({ type: 'limit-downlink', bitrate: 2_000_000 })
  viewer.send({ type: 'watch-figures', streams: [stream, 'unheard-of'] })
  const figures = await viewer.next('figures', ({ link }) => link !== null)
  assert.equal(figures.limit, 2_000_000)
  assert.ok(figures.link.available <= 2_000_000)
  assert.deepEqual(
    figures.streams.map(each => each.id),
    [stream]
  )
  const [{ layer, reason, bitrate, steps }] = figures.streams
  // Its publisher never connects.
  assert.deepEqual({ layer, reason, bitrate, steps }, { layer: null, reason: 'unavailable', bitrate: 0, steps: [] })

  viewer.send({ type: 'watch-figures', streams: [] })
  assert.deepEqual((await viewer.next('figures', ({ streams }) => streams.length === 0)).limit, 2_000_000)
  viewer.send({ type: 'watch-figures', streams: null })
  // What was under way when it stopped watching has come by now.
  await viewer.seen('error')
  const before = (await viewer.seen('figures')).length
  await new Promise(resolve => setTimeout(resolve, 4 * LIMITS.figuresInterval))
  assert.equal((await viewer.seen('figures')).length, before)
})

test('the view and the limit cannot be changed without end', async () => {
  const { viewer, participant, stream } = await publisherAndViewer()
  for (let width = 1; width <= LIMITS.viewBurst; width += 1) viewer.send({ type: 'view', streams: [{ id: stream, width, height: 1 }] })
  viewer.send({ type: 'limit-downlink', bitrate: 200_000 })
  const error = await viewer.next('error')
  assert.deepEqual([error.code, error.request], ['rate-limited', 'limit-downlink'])
  assert.equal(transponderOf(participant).preferences.maxWidth, LIMITS.viewBurst)
  await viewer.seen('pong')
})

test('a publisher is told of encodings that nobody takes, again when it comes back', async () => {
  const { publisher, participant } = await publisherAndViewer()
  const ada = server.rooms.get('loom').participants.find(each => each.name === 'Ada')
  const track = ada.transport.incomingTracks.find(each => each.kind === 'video')
  participant.leave()
  // Nothing was ever received of it, so that there is no encoding to speak of yet.
  assert.deepEqual(track.demand, [])
  const demand = [{ rid: 'f', wanted: false }]
  Object.defineProperty(track, 'demand', { value: demand })
  track.emit('demand', demand)
  assert.deepEqual(await publisher.next('demand'), { type: 'demand', connection: 1, mid: track.mid, encodings: demand })
  publisher.close()
  const back = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada', session: publisher.welcome.session })
  clients.push(back)
  assert.deepEqual((await back.next('demand')).encodings, demand)
})
