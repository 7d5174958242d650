'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { block, nextEvent, until } = require('../events.js')
const { connected, loopbackEndpoint } = require('../loopback.js')
const { Client } = require('./client.js')

/** A client that offers audio, video and a channel, and the transport that answered. */
async function join(t, endpoint, name) {
  const client = await Client.start(t, name)
  const transport = endpoint.createTransport()
  const opened = nextEvent(transport, 'datachannel', 20_000)
  const offer = await client.call('start')
  await client.call('acceptAnswer', await transport.acceptOffer(offer))
  await connected(transport)
  const [channel] = await opened
  const peer = { client, transport, channel, messages: [] }
  channel.on('message', data => peer.messages.push(data))
  transport.on('negotiationneeded', () => renegotiate(peer))
  return peer
}

/** This side offers what changed; the rounds of one peer follow each other. */
function renegotiate(peer) {
  const round = async () => {
    const offer = await peer.transport.createOffer()
    await peer.transport.acceptAnswer(await peer.client.call('acceptOffer', offer))
  }
  peer.negotiation = (peer.negotiation ?? Promise.resolve()).then(round)
  return peer.negotiation
}

/** Sends what one peer sends to the other. */
async function forward(from, to) {
  const stream = to.transport.createOutgoingStream({ audio: 1, video: 1 })
  for (const track of from.transport.incomingTracks) stream[track.kind][0].attachTo(track)
  await Promise.all(stream.tracks.map(track => nextEvent(track, 'negotiated')))
  return stream
}

/** Waits until the client got so many frames of each kind more than now. */
async function receives(peer, wanted, what) {
  const before = await peer.client.call('report')
  await until(
    async () => {
      const now = await peer.client.call('report')
      return Object.entries(wanted).every(([kind, frames]) => now[kind].frames >= before[kind].frames + frames)
    },
    what,
    20_000
  )
}

/**
 * What every client has to be able to do with this engine. `numbered`: the client's frames carry
 * numbers, so that a lost one shows. `resumes`: the client receives again on an m-line that was
 * inactive for a while.
 */
function clientSuite(name, { numbered, resumes }) {
  test(`${name}: a call of two through the engine`, { timeout: 120_000 }, async t => {
    // Two threads: the two peers live on one each, so media crosses from one to the other.
    const endpoint = await loopbackEndpoint(t, { threads: 2 })
    const ada = await join(t, endpoint, name)
    const bob = await join(t, endpoint, name)
    const peers = [ada, bob]
    const streams = []

    await t.test('the offer became an incoming stream with audio and video', () => {
      for (const { transport } of peers) {
        assert.deepEqual(transport.incomingTracks.map(track => track.kind).sort(), ['audio', 'video'])
        assert.equal(transport.state, 'connected')
        assert.equal(transport.signalingState, 'stable')
      }
      assert.notEqual(ada.transport.thread, bob.transport.thread)
    })

    await t.test('each receives the audio and video of the other, after a renegotiation', async () => {
      streams.push(await forward(ada, bob), await forward(bob, ada))
      for (const peer of peers) await receives(peer, { audio: 25, video: 10 }, 'media of the other')
    })

    await t.test('video starts with a keyframe', { skip: numbered ? false : 'this client does not number its frames' }, async () => {
      for (const { client } of peers) {
        const report = await client.call('report')
        // One that was kept, or one that was asked for.
        assert.equal(report.video.startedWithKeyframe, true)
      }
    })

    await t.test('messages go both ways, text and binary', async () => {
      for (const { client, channel, messages } of peers) {
        const binary = Buffer.from([0, 1, 2, 254, 255])
        await client.call('send', 'größer')
        await client.call('send', binary)
        channel.send('zurück')
        channel.send(binary)
        await until(() => messages.length === 2, 'messages of the client')
        assert.deepEqual(messages, ['größer', binary])
        const atClient = await until(async () => {
          const report = await client.call('report')
          return report.messages.length === 2 && report.messages
        }, 'messages at the client')
        assert.equal(atClient[0], 'zurück')
        assert.deepEqual(Buffer.from(atClient[1]), binary)
      }
    })

    await t.test('a channel forwards to the other peer without JavaScript', async () => {
      bob.channel.attachTo(ada.channel)
      await ada.client.call('send', 'for bob')
      await until(async () => (await bob.client.call('report')).messages.includes('for bob'), 'the forwarded message')
      bob.channel.detach()
    })

    await t.test('statistics tell of it', async () => {
      const stats = await until(async () => {
        const now = await endpoint.getStats()
        const encodings = now.transports.flatMap(transport => transport.incomingTracks.flatMap(track => track.encodings))
        return encodings.length === 4 && encodings.every(encoding => encoding.bitrate > 0) && now
      }, 'bitrates')
      assert.equal(stats.transports.length, 2)
      for (const transport of stats.transports) {
        assert.equal(transport.state, 'connected')
        assert.match(transport.dtlsVersion, /^DTLS 1\.[23]$/)
        assert.match(transport.srtpCipher, /^SRTP_/)
        assert.equal(transport.selectedCandidatePair.protocol, 'udp')
        assert.ok(transport.bytesReceived > 10_000, `${transport.bytesReceived}`)
        assert.ok(transport.bytesSent > 10_000, `${transport.bytesSent}`)
        for (const track of transport.incomingTracks) {
          const [encoding] = track.encodings
          assert.equal(encoding.active, true)
          assert.equal(encoding.codec, track.kind === 'audio' ? 'opus' : 'vp8')
          assert.ok(encoding.packetsReceived > 10)
          assert.equal(encoding.packetsLost, 0)
        }
        for (const track of transport.outgoingTracks) {
          assert.ok(track.packetsSent > 10)
          assert.equal(track.codec, track.kind === 'audio' ? 'opus' : 'vp8')
        }
        assert.equal(transport.dataChannels[0].label, 'chat')
        assert.ok(transport.dataChannels[0].messagesReceived >= 2)
      }
    })

    await t.test('with JavaScript blocked for 3 s not one frame is lost', async () => {
      const before = await bob.client.call('report')
      block(3000)
      // Asked at once: what arrives afterwards does not count.
      const after = await bob.client.call('report')
      const frames = kind => after[kind].frames - before[kind].frames
      // Half of what a quiet machine sends in that time.
      assert.ok(frames('video') >= (numbered ? 45 : 20), `${frames('video')} video frames`)
      assert.ok(frames('audio') >= 70, `${frames('audio')} audio frames`)
      if (numbered) {
        assert.equal(after.video.missing, before.video.missing, 'video frames missing')
        assert.equal(after.audio.missing, before.audio.missing, 'audio frames missing')
      }
    })

    await t.test('the source is switched without negotiation', async () => {
      let negotiations = 0
      bob.transport.on('negotiationneeded', () => negotiations++)
      const [video] = streams[0].video
      const [others, own] = [ada, bob].map(peer => peer.transport.incomingTracks.find(track => track.kind === 'video'))
      const { transponder } = video
      for (const source of [own, others]) {
        assert.equal(video.attachTo(source), transponder)
        assert.equal(transponder.incomingTrack, source)
        await receives(bob, { video: 10 }, 'video of the new source')
      }
      assert.equal(negotiations, 0)
    })

    await t.test(
      'a track is taken away and given again',
      { skip: resumes ? false : 'this client stops for good on an m-line that went inactive' },
      async () => {
        const [toBob] = streams
        toBob.video[0].close()
        await until(() => !toBob.video.length, 'the track to go')
        await nextNegotiation(bob)
        const again = toBob.addTrack('video')
        again.attachTo(ada.transport.incomingTracks.find(track => track.kind === 'video'))
        await nextEvent(again, 'negotiated')
        await receives(bob, { video: 10, audio: 10 }, 'video on the new track')
      }
    )

    await t.test('the client leaves and the transport says so', async () => {
      const closed = nextEvent(ada.transport, 'closed', 60_000)
      await ada.transport.close()
      assert.deepEqual(await closed, ['closed'])
      assert.equal(streams[0].audio[0].transponder, null)
    })
  })
}

/** The round that is under way, and those that follow it, are through. */
async function nextNegotiation(peer) {
  await nextEvent(peer.transport, 'negotiationneeded')
  await peer.negotiation
}

module.exports = { clientSuite, join, forward, receives }
