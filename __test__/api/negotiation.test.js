'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { nextEvent } = require('../support/events.js')
const { connected, connectedPair, loopbackEndpoint, negotiate } = require('../support/loopback.js')

/** Two transports, one of them full ICE, that have heard nothing of each other. */
async function pair(t, options = {}) {
  const [away, endpoint] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  return {
    /** The server's. */
    endpoint,
    client: away.createTransport({ iceLite: false, ...options.client }),
    server: endpoint.createTransport(options.server)
  }
}

test('an offer brings tracks, announced before acceptOffer resolves', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ id: 'camera', audio: 1, video: 1 })
  const offer = await client.createOffer()
  assert.equal(client.signalingState, 'have-local-offer')
  assert.match(offer, /^v=0\r\n/)

  const announced = []
  server.on('track', (track, stream) => announced.push([track, stream]))
  const answer = await server.acceptOffer(offer)
  assert.equal(announced.length, 2)
  for (const [track, stream] of announced) {
    assert.equal(track.stream, stream)
    assert.equal(track.transport, server)
    assert.equal(stream.id, 'camera')
    assert.equal(track.muted, false)
    assert.equal(track.closed, false)
    assert.ok(track.codecs.length > 0)
    assert.deepEqual(track.rids, [])
    assert.deepEqual(track.encodings, [])
  }
  assert.deepEqual(
    server.incomingTracks,
    announced.map(([track]) => track)
  )
  assert.equal(server.incomingStreams.length, 1)

  await client.acceptAnswer(answer)
  assert.equal(client.signalingState, 'stable')
  assert.deepEqual(
    client.outgoingTracks.map(track => track.mid),
    server.incomingTracks.map(track => track.mid)
  )
})

test('several streams keep their tracks apart', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ id: 'camera', audio: 1, video: 1 })
  client.createOutgoingStream({ id: 'screen', video: 1 })
  await negotiate(client, server)
  assert.deepEqual(server.incomingStreams.map(stream => stream.id).sort(), ['camera', 'screen'])
  const screen = server.incomingStreams.find(stream => stream.id === 'screen')
  assert.deepEqual(
    screen.tracks.map(track => track.kind),
    ['video']
  )
})

test('the msid carries both ids', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ id: 'camera' }).addTrack('video', { id: 'lens' })
  await negotiate(client, server)
  const [track] = server.incomingTracks
  assert.equal(track.trackId, 'lens')
  assert.equal(track.stream.id, 'camera')
})

test('only the codecs asked for are negotiated', async t => {
  const { client, server } = await pair(t, { server: { codecs: ['pcmu', 'vp9'] } })
  client.createOutgoingStream({ audio: 1, video: 1 })
  await negotiate(client, server)
  assert.deepEqual(
    server.incomingTracks.map(track => track.codecs),
    [['pcmu'], ['vp9']]
  )
})

test('a new outgoing track asks for negotiation; negotiated comes with its mid', async t => {
  const { client, server } = await pair(t)
  const needed = nextEvent(client, 'negotiationneeded')
  const {
    video: [track]
  } = client.createOutgoingStream({ video: 1 })
  await needed
  const negotiated = nextEvent(track, 'negotiated')
  await negotiate(client, server)
  await negotiated
  assert.equal(track.mid, server.incomingTracks[0].mid)
})

test('tracks come and go in one connection, any number of times', async t => {
  const { client, server } = await pair(t)
  for (let round = 0; round < 4; round++) {
    const stream = client.createOutgoingStream({ id: `round-${round}`, audio: 1, video: 1 })
    await negotiate(client, server)
    assert.deepEqual(
      server.incomingStreams.map(({ id }) => id),
      [`round-${round}`]
    )
    const [incoming] = server.incomingStreams
    const closed = nextEvent(incoming, 'closed')
    stream.close()
    await negotiate(client, server)
    assert.deepEqual(await closed, ['remote'])
    assert.deepEqual(server.incomingTracks, [])
  }
})

test('the answerer puts its own tracks on m-lines of the offer', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ audio: 1 })
  const {
    audio: [track]
  } = server.createOutgoingStream({ audio: 1 })
  await negotiate(client, server)
  assert.ok(track.mid === null || typeof track.mid === 'string')
  if (track.mid === null) {
    // The offer's m-line was not willing to receive: this side has to offer.
    await negotiate(server, client)
  }
  assert.equal(client.incomingTracks.length, 1)
})

test('createOffer with nothing to negotiate is refused', async t => {
  const { client } = await connectedPair(t)
  await assert.rejects(client.createOffer(), { code: 'ERR_INVALID_STATE' })
  assert.equal(client.signalingState, 'stable')
})

test('an async listener that comes too late with its offer does no harm, and another refusal is an error event', async t => {
  const { client } = await connectedPair(t)
  const offered = []
  client.on('negotiationneeded', async () => {
    offered.push(client.createOffer())
    await offered.at(-1)
  })
  client.on('state', async () => client.acceptOffer('nonsense'))
  const failed = nextEvent(client, 'error')
  client.emit('negotiationneeded')
  await assert.rejects(offered[0], { code: 'ERR_INVALID_STATE' })
  client.emit('state', 'connected')
  const [error] = await failed
  assert.equal(error.code, 'ERR_SDP')
})

test('rollback forgets the offer', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ video: 1 })
  const offer = await client.createOffer()
  await client.rollback()
  assert.equal(client.signalingState, 'stable')
  const answer = await server.acceptOffer(offer)
  await assert.rejects(client.acceptAnswer(answer), { code: 'ERR_INVALID_STATE' })
})

test('both offer at once: the polite side gives way and asks again', async t => {
  const { client, server } = await pair(t, { client: { polite: false }, server: { polite: true } })
  client.createOutgoingStream({ id: 'from-client', video: 1 })
  server.createOutgoingStream({ id: 'from-server', video: 1 })
  const [fromClient, fromServer] = await Promise.all([client.createOffer(), server.createOffer()])

  await assert.rejects(client.acceptOffer(fromServer), { code: 'ERR_GLARE' })
  assert.equal(client.signalingState, 'have-local-offer')

  const again = nextEvent(server, 'negotiationneeded')
  await client.acceptAnswer(await server.acceptOffer(fromClient))
  assert.equal(server.signalingState, 'stable')
  assert.equal(server.incomingStreams[0].id, 'from-client')
  await again
  await negotiate(server, client)
  assert.equal(client.incomingStreams[0].id, 'from-server')
})

test('states go from new over connecting to connected', async t => {
  const { client, server } = await pair(t)
  client.createDataChannel('test')
  const states = []
  server.on('state', state => states.push(state))
  const both = Promise.all([connected(client), connected(server)])
  await negotiate(client, server)
  await both
  assert.deepEqual(states, ['connecting', 'connected'])
})

test('candidates may come by trickle', async t => {
  const { client, server } = await pair(t)
  client.createDataChannel('test')
  const offer = await client.createOffer()
  const lines = offer.split('\r\n')
  const candidates = lines.filter(line => line.startsWith('a=candidate:'))
  assert.ok(candidates.length > 0)
  const both = Promise.all([connected(client), connected(server)])
  const answer = await server.acceptOffer(lines.filter(line => !line.startsWith('a=candidate:')).join('\r\n'))
  await client.acceptAnswer(answer)
  const [first, ...rest] = candidates.map(line => line.slice('a='.length))
  await server.addIceCandidate({ candidate: first, sdpMid: '0', sdpMLineIndex: 0 })
  for (const candidate of rest) await server.addIceCandidate(candidate)
  await server.addIceCandidate(null)
  await both
})

test('ICE restarts with new credentials', async t => {
  const { client, server } = await connectedPair(t)
  const ufrag = sdp => /a=ice-ufrag:(\S+)/.exec(sdp)[1]
  const offer = await client.createOffer({ iceRestart: true })
  const answer = await server.acceptOffer(offer)
  await client.acceptAnswer(answer)
  const again = await client.createOffer({ iceRestart: true })
  assert.notEqual(ufrag(again), ufrag(offer))
  await client.rollback()
  await connected(client)
  await connected(server)
})

test('the peer is told when a transport closes', async t => {
  const { client, server } = await connectedPair(t)
  const closed = nextEvent(server, 'closed')
  await client.close()
  assert.deepEqual(await closed, ['remote'])
})

test('a transport that never connects closes by itself', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport({ connectTimeout: 300 })
  assert.deepEqual(await nextEvent(transport, 'closed', 5000), ['connect-timeout'])
  assert.equal(transport.state, 'closed')
  assert.deepEqual(endpoint.transports, [])
})

test('a track that is attached before anything is connected has its transponder', async t => {
  const { client, server, endpoint } = await pair(t)
  const viewer = endpoint.createTransport()
  client.createOutgoingStream({ audio: 1, video: 1 })
  await negotiate(client, server)
  const [audio, video] = server.incomingTracks
  const out = viewer.createOutgoingStream({ audio: 1, video: 1 })
  const transponder = out.video[0].attachTo(video)
  assert.equal(out.video[0].transponder, transponder)
  assert.equal(transponder.incomingTrack, video)
  assert.equal(transponder.outgoingTrack, out.video[0])
  assert.deepEqual(video.transponders, [transponder])
  assert.equal(transponder.selectedEncoding, 'auto')
  assert.equal(transponder.currentEncoding, null)
  assert.throws(() => out.video[0].attachTo(audio), { code: 'ERR_INVALID_ARG', field: 'track' })
  assert.throws(() => transponder.selectEncoding('nosuch'), { code: 'ERR_INVALID_ARG', field: 'rid' })

  transponder.mute()
  assert.equal(transponder.muted, true)
  transponder.mute(false)
  assert.equal(transponder.muted, false)

  const closed = nextEvent(transponder, 'closed')
  out.video[0].detach()
  assert.deepEqual(await closed, ['closed'])
  assert.equal(out.video[0].transponder, null)
  assert.deepEqual(video.transponders, [])
})

test('a transponder closes with either of its tracks', async t => {
  const { client, server, endpoint } = await pair(t)
  const viewer = endpoint.createTransport()
  client.createOutgoingStream({ video: 2 })
  await negotiate(client, server)
  const [first, second] = server.incomingTracks
  const out = viewer.createOutgoingStream({ video: 2 })
  const one = out.video[0].attachTo(first)
  const other = out.video[1].attachTo(second)

  const oneClosed = nextEvent(one, 'closed')
  first.close()
  assert.deepEqual(await oneClosed, ['parent'])
  assert.equal(out.video[0].transponder, null)
  assert.equal(out.video[0].closed, false)

  const otherClosed = nextEvent(other, 'closed')
  out.video[1].close()
  assert.deepEqual(await otherClosed, ['parent'])
  assert.equal(second.closed, false)
})

test('a track of another endpoint cannot be attached', async t => {
  const { client, server } = await pair(t)
  client.createOutgoingStream({ video: 1 })
  await negotiate(client, server)
  const elsewhere = (await loopbackEndpoint(t)).createTransport().createOutgoingStream({ video: 1 })
  assert.throws(() => elsewhere.video[0].attachTo(server.incomingTracks[0]), {
    code: 'ERR_INVALID_ARG',
    field: 'track'
  })
})

test('SDP that does not parse names its line', async t => {
  const { client, server } = await pair(t)
  client.createDataChannel('test')
  const offer = await client.createOffer()
  const broken = offer.replace(/^v=.*$/m, 'v=1')
  await assert.rejects(server.acceptOffer(broken), error => {
    assert.equal(error.code, 'ERR_SDP')
    assert.equal(error.line, 'v=1')
    assert.doesNotMatch(error.message, /0x/, 'no address of the process')
    return true
  })
  // The transport is none the worse for it.
  await client.acceptAnswer(await server.acceptOffer(offer))
})
