'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { connected, connectedPair, loopbackEndpoint } = require('../support/loopback.js')

const FINGERPRINT = `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`
const TRANSPORT = ['a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', FINGERPRINT, 'a=setup:actpass', 'a=rtcp-mux']
const head = mids => ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', ...(mids ? [`a=group:BUNDLE ${mids.join(' ')}`] : [])]
const audio = (...more) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111', ...TRANSPORT, 'a=rtpmap:111 opus/48000/2', 'a=sendonly', ...more]
const video = (...more) => ['m=video 9 UDP/TLS/RTP/SAVPF 96', ...TRANSPORT, 'a=rtpmap:96 VP8/90000', 'a=sendonly', ...more]
const sdp = (...parts) => `${parts.flat().join('\r\n')}\r\n`

async function transport(t, options) {
  return (await loopbackEndpoint(t)).createTransport(options)
}

test('a description with neither group nor names is taken, and nothing of it is made up in return', async t => {
  const peer = await transport(t)
  const answer = await peer.acceptOffer(sdp(head(), audio()))
  assert.equal(peer.incomingTracks.length, 1)
  assert.match(answer, /^m=audio 9 /m)
  assert.doesNotMatch(answer, /a=mid|a=group/)
})

test('names of m-lines and encodings come back letter by letter', async t => {
  const peer = await transport(t)
  const rids = ['a=rid:camera-high send', 'a=rid:camera-low send', 'a=simulcast:send camera-high;~camera-low']
  const answer = await peer.acceptOffer(sdp(head(['the-picture-of-it']), video('a=mid:the-picture-of-it', ...rids)))
  const [track] = peer.incomingTracks
  assert.equal(track.mid, 'the-picture-of-it')
  assert.deepEqual(track.rids, ['camera-high', 'camera-low'])
  assert.match(answer, /^a=mid:the-picture-of-it\r$/m)
  assert.match(answer, /^a=simulcast:recv camera-high;~camera-low\r$/m)
})

test('two tracks of one m-line are two tracks', async t => {
  const peer = await transport(t)
  await peer.acceptOffer(sdp(head(['0']), video('a=mid:0', 'a=ssrc:1 msid:s camera', 'a=ssrc:2 msid:s screen')))
  assert.deepEqual(
    peer.incomingTracks.map(track => track.trackId),
    ['camera', 'screen']
  )
})

test('the first m-line stays, idle, when nothing of it is wanted', async t => {
  const peer = await transport(t, { codecs: ['vp8'] })
  const answer = await peer.acceptOffer(sdp(head(['0', '1']), audio('a=mid:0'), video('a=mid:1')))
  const [first] = answer.split(/^(?=m=)/m).slice(1)
  assert.match(first, /^m=audio 9 .* 111\r\n/)
  assert.match(first, /^a=inactive\r$/m)
  assert.match(answer, /^a=group:BUNDLE 0 1\r$/m)
  assert.deepEqual(
    peer.incomingTracks.map(track => track.kind),
    ['video']
  )
})

test('Opus is asked for as the options say', async t => {
  const peer = await transport(t, { opus: { stereo: true, maxAverageBitrate: 96_000 } })
  const answer = await peer.acceptOffer(sdp(head(['0']), audio('a=mid:0')))
  assert.match(answer, /^a=fmtp:111 .*;stereo=1;.*maxaveragebitrate=96000\r$/m)
  const endpoint = await loopbackEndpoint(t)
  for (const [opus, field] of [
    [{ stereo: 1 }, 'options.opus.stereo'],
    [{ maxAverageBitrate: 5999 }, 'options.opus.maxAverageBitrate'],
    [{ bitrate: 1 }, 'options.opus.bitrate']
  ]) {
    assert.throws(() => endpoint.createTransport({ opus }), { code: 'ERR_INVALID_ARG', field })
  }
})

for (const [what, offer, line] of [
  [
    'without a=rtcp-mux',
    sdp(
      head(['0']),
      audio('a=mid:0').filter(text => text !== 'a=rtcp-mux')
    ),
    'm=audio 9 UDP/TLS/RTP/SAVPF 111'
  ],
  ['without encryption', sdp(head(), ['m=audio 9 RTP/AVP 0']), 'm=audio 9 RTP/AVP 0'],
  ['with a role that nobody has', sdp(head(['0']), audio('a=mid:0', 'a=setup:perhaps')), 'a=setup:perhaps'],
  ['with one name for two m-lines', sdp(head(['0']), audio('a=mid:0'), video('a=mid:0')), 'a=mid:0'],
  ['with a line that is none', sdp(head(['0']), audio('a=mid:0', 'nonsense')), 'nonsense']
]) {
  test(`an offer ${what} is refused with its line`, async t => {
    const peer = await transport(t)
    await assert.rejects(peer.acceptOffer(offer), { code: 'ERR_SDP', line })
    assert.equal(peer.signalingState, 'stable')
    assert.equal(peer.incomingTracks.length, 0)
  })
}

test('a re-offer that is refused changes nothing, not even ICE credentials', async t => {
  const { client, server } = await connectedPair(t)
  const offer = await client.createOffer({ iceRestart: true })
  const refused = offer.replace(/^a=setup:.*$/m, 'a=setup:perhaps')
  await assert.rejects(server.acceptOffer(refused), { code: 'ERR_SDP', line: 'a=setup:perhaps' })
  await client.rollback()
  const channel = client.createDataChannel('after')
  await new Promise(resolve => channel.once('open', resolve))
  await connected(server)
  assert.equal(server.state, 'connected')
})

test('candidates that cannot be used are left out, what is none is refused', async t => {
  const peer = await transport(t)
  await peer.acceptOffer(sdp(head(['0']), audio('a=mid:0')))
  for (const address of ['0f0a1b2c.local', 'host.example.org', '300.0.0.1', 'fe80::1%eth0', '[2001:db8::1]', '192.0.2.1']) {
    await peer.addIceCandidate(`candidate:1 1 udp 1 ${address} 5000 typ host`)
  }
  await peer.addIceCandidate('candidate:1 1 tcp 1 192.0.2.1 9 typ host')
  const line = 'candidate:1 1 udp 1 192.0.2.1 70000 typ host'
  await assert.rejects(peer.addIceCandidate(line), { code: 'ERR_CANDIDATE', line })
})

test('a fragment with candidates that cannot be used is taken for the others', async t => {
  const peer = await transport(t)
  await peer.acceptOffer(sdp(head(['0']), audio('a=mid:0')))
  const fragment = sdp([
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'a=mid:0',
    'a=candidate:nonsense',
    'a=candidate:1 1 udp 1 secret.local 5000 typ host',
    'a=candidate:2 1 udp 1 192.0.2.1 5000 typ host'
  ])
  assert.equal(await peer.acceptFragment(fragment), null)
})
