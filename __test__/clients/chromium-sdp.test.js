'use strict'

/**
 * Chromium's descriptions, changed on the way as other clients and pages write them: Chromium goes
 * on as if nothing was, so that media shows whether they were understood.
 */

const assert = require('node:assert/strict')
const { BrowserPeer, SOME, arrives } = require('../support/clients/browser/browser-peer.js')
const { chromium } = require('../support/clients/browser/launch.js')
const { browserTest, publisher, sections, withBrowser } = require('../support/clients/browser/suite.js')

const meet = withBrowser(chromium)
const check = (name, run) => browserTest(chromium, name, run)

/** Passes when sound and a picture arrive although the offer reached this side as `offer` made it. */
function understood(name, offer, { answer, media, wanted = SOME, then } = {}) {
  check(name, async t => {
    const there = await meet(t)
    const result = await publisher(t, there, { offer, ...(answer && { answer }), ...(media && { media }) })
    await arrives(result.transport, wanted, 'media')
    then?.(result)
  })
}

/** A description whose every m-section was changed. */
const eachSection = (sdp, change) =>
  sdp
    .split(/^(?=m=)/m)
    .map((part, index) => (index === 0 ? part : change(part, index - 1)))
    .join('')
/** With lines put in before the attributes of each m-section. */
const withLines = (sdp, lines) => sdp.replace(/^(c=.*\r\n)/gm, `$1${lines.map(line => `${line}\r\n`).join('')}`)
const without = (sdp, pattern) => sdp.replace(new RegExp(`^${pattern}.*\r\n`, 'gm'), '')

// Who has no name for a line does not send it either.
understood('one line without a group and without a=mid', sdp => without(sdp, 'a=(?:mid:|group:|extmap:.*sdes:mid)'), {
  media: ['video'],
  wanted: { video: 10 }
})

for (const profile of ['UDP/TLS/RTP/SAVP', 'RTP/SAVPF', 'RTP/SAVP', 'TCP/DTLS/RTP/SAVPF']) {
  understood(`the profile ${profile}, which the answer repeats`, sdp => sdp.replaceAll('UDP/TLS/RTP/SAVPF', profile), {
    // Chromium wants its own back.
    answer: sdp => sdp.replaceAll(` ${profile} `, ' UDP/TLS/RTP/SAVPF '),
    then: ({ answered }) => {
      for (const section of sections(answered)) assert.equal(section.split(' ')[2], profile)
    }
  })
}

understood('several bandwidths, titles, keys and lines nobody knows', sdp =>
  withLines(sdp, ['b=AS:2500', 'b=TIAS:2500000', 'b=X-YZ:128', 'i=camera', 'k=prompt', 'z=0 0', 'a=x-unheard-of:of', 'y=what']).replace(
    't=0 0',
    'i=a session\r\nu=http://example.org\r\ne=a@example.org\r\nb=AS:4000\r\nt=0 0'
  )
)

understood('no direction at all, which is sendrecv', sdp => without(sdp, 'a=sendonly'), {
  then: ({ answered }) => assert.ok(sections(answered).every(section => /^a=(recvonly|sendrecv)/m.test(section)))
})

understood('a direction for the whole session', sdp => without(sdp, 'a=sendonly').replace('t=0 0', 't=0 0\r\na=sendonly'), {
  then: ({ answered }) => assert.ok(sections(answered).every(section => /^a=recvonly/m.test(section)))
})

understood('ICE credentials, certificate and role for the whole session', sdp => {
  const shared = /^m=[^]*?(a=ice-ufrag:.*\r\na=ice-pwd:.*\r\n)(?:a=ice-options.*\r\n)?(a=fingerprint:.*\r\na=setup:.*\r\n)/m.exec(sdp)
  return without(sdp, 'a=(?:ice-ufrag|ice-pwd|fingerprint|setup):').replace('t=0 0\r\n', `t=0 0\r\n${shared[1]}${shared[2]}`)
})

understood(
  'payload types without a=rtpmap, and one twice',
  sdp =>
    eachSection(sdp, section => section.replace(/^(m=.*)\r\n/, '$1 121 34\r\n').replace(/^(a=rtpmap:(?:111 opus|96 VP8).*\r\n)/im, '$1$1')),
  {
    then: ({ answered }) => assert.doesNotMatch(answered, /^m=.* (121|34)\b/m)
  }
)

understood('codec names in other cases, and Opus without its channels, as webrtcbin offers it', sdp =>
  sdp.replaceAll(' opus/48000/2', ' OPUS/48000').replaceAll(' VP8/90000', ' vp8/90000')
)

understood('a static payload type, which needs no a=rtpmap', sdp => without(sdp, 'a=rtpmap:0 '), {
  media: [['audio', { codec: 'audio/PCMU' }]],
  wanted: { audio: 25 },
  then: ({ tracks }) => assert.deepEqual(tracks[0].codecs, ['pcmu'])
})

for (const [name, change] of [
  ['blank lines before it', sdp => `\r\n\r\n${sdp}`],
  ['the indents of a template literal', sdp => sdp.replace(/^/gm, '      ').trimEnd()],
  ['a byte order mark', sdp => `\uFEFF${sdp}`],
  ['bare LF', sdp => sdp.replaceAll('\r\n', '\n')],
  ['bare CR', sdp => sdp.replaceAll('\r\n', '\r')],
  ['doubled line ends', sdp => sdp.replaceAll('\r\n', '\r\n\r\n')],
  ['the line ends of a form post', sdp => sdp.replaceAll('\r\n', '\r\r\n')]
]) {
  understood(`a description with ${name}`, change)
}

understood('the group in another order, and other groups beside it', sdp =>
  sdp.replace(/^a=group:BUNDLE 0 1/m, 'a=group:LS 0 1\r\na=group:BUNDLE 1 0\r\na=group:ANAT 0 1')
)

understood('a line outside the group, which alone is refused', sdp => sdp.replace(/^a=group:BUNDLE 0 1/m, 'a=group:BUNDLE 0'), {
  wanted: { audio: 25 },
  then: ({ answered, tracks }) => {
    assert.match(sections(answered)[1], /^m=video 0 /)
    assert.deepEqual(
      tracks.map(track => track.kind),
      ['audio']
    )
  }
})

/** Lines of kinds that are no media of ours, after the first. */
const FOREIGN = [
  'm=text 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:t140\r\na=inactive\r\na=rtpmap:98 t140/1000\r\n',
  'm=image 0 udptl t38\r\nc=IN IP4 0.0.0.0\r\n'
]
understood(
  'm-lines of kinds we do not know, which stand in the answer with port 0',
  sdp => {
    const [session, first, ...rest] = sdp.split(/^(?=m=)/m)
    return [session, first, ...FOREIGN, ...rest].join('')
  },
  {
    answer: sdp =>
      sdp
        .split(/^(?=m=)/m)
        .filter(part => !/^m=(text|image)/.test(part))
        .join(''),
    then: ({ answered }) => {
      assert.deepEqual(
        sections(answered).map(section => section.split(' ', 2).join(' ')),
        ['m=audio 9', 'm=text 0', 'm=image 0', 'm=video 9']
      )
      assert.match(sections(answered)[1], /^a=mid:t140\r$/m)
    }
  }
)

understood('candidates of which only some can be used', sdp =>
  sdp.replace(
    /^(a=candidate:)/m,
    [
      'a=candidate:1 1 udp 2122260223 0f0a1b2c-1111-2222-3333-444455556666.local 50000 typ host',
      'a=candidate:2 1 udp 2122260223 fe80::1%eth0 50001 typ host',
      'a=candidate:3 1 udp 1686052607 198.51.100.7 50002 typ srflx raddr 0f0a1b2c-1111-2222-3333-444455556666.local rport 9',
      'a=candidate:4 1 udp 2122260223 media.example.org 50003 typ host',
      'a=candidate:5 2 UDP 2122260222 192.0.2.3 50004 typ host',
      'a=candidate:what',
      '$1'
    ].join('\r\n')
  )
)

check('names of m-lines and encodings that the page chose come back as they came', async t => {
  const there = await meet(t)
  const mids = ['lectern-mic', '{camera~1}']
  const rids = ['fromTheDoorway', 'fromTheFirstRow']
  const encodings = [
    { rid: rids[0], scaleResolutionDownBy: 2, maxBitrate: 100_000 },
    { rid: rids[1], maxBitrate: 200_000 }
  ]
  const munge = mids.flatMap((mid, index) => [
    [`^a=mid:${index}\r`, `a=mid:${mid}\r`],
    [`^(a=group:BUNDLE.*) ${index}\\b`, `$1 ${mid}`]
  ])
  const { transport, tracks, answered } = await publisher(t, there, {
    munge,
    media: ['audio', ['video', { encodings, width: 640, height: 360 }]]
  })
  assert.deepEqual(
    [...answered.matchAll(/^a=mid:(.*)\r$/gm)].map(([, mid]) => mid),
    mids
  )
  assert.match(answered, new RegExp(`^a=simulcast:recv ${rids.join(';')}\r$`, 'm'))
  assert.deepEqual(
    tracks.map(track => track.mid),
    mids
  )
  await arrives(transport, SOME, 'media')
  const seen = (await transport.getStats()).incomingTracks[1].encodings.map(({ rid }) => rid)
  assert.deepEqual(
    seen.filter(rid => !rids.includes(rid)),
    []
  )
})

check('H264 Constrained High, as Apple devices offer it, is taken and answered', async t => {
  const there = await meet(t)
  const { transport, tracks, answered } = await publisher(t, there, {
    media: [['video', { codec: 'video/H264' }]],
    offer: sdp =>
      sdp
        .replaceAll('profile-level-id=42e01f', 'profile-level-id=640c1f')
        .replace(/profile-level-id=(42001f|4d001f|64001f)/g, 'profile-level-id=f4001f'),
    answer: sdp => sdp.replaceAll('profile-level-id=640c1f', 'profile-level-id=42e01f')
  })
  assert.match(answered, /profile-level-id=640c1f/i, 'the answer has the profile')
  assert.deepEqual(tracks[0].codecs, ['h264'])
  await arrives(transport, { video: 10 }, 'H264')
})

check('an answer never allows a higher level of H264 than its offer', async t => {
  const there = await meet(t)
  const { answered } = await publisher(t, there, {
    media: [['video', { codec: 'video/H264' }]],
    offer: sdp => sdp.replace(/level-asymmetry-allowed=1;(.*profile-level-id=42e0)1f/g, 'level-asymmetry-allowed=0;$10b'),
    answer: sdp => sdp.replace(/profile-level-id=42e0../g, 'profile-level-id=42e01f')
  })
  const levels = [...answered.matchAll(/profile-level-id=42e0(..)/gi)].map(([, level]) => parseInt(level, 16))
  assert.ok(levels.length > 0 && levels.every(level => level <= 0x0b), `levels ${levels}`)
})

check('Opus is asked for in stereo and at a bitrate, to which the page keeps', async t => {
  const opus = { stereo: true, maxAverageBitrate: 16_000 }
  const { transport, answered } = await publisher(t, await meet(t), { transport: { opus }, media: ['audio'] })
  const [, type] = /^a=rtpmap:(\d+) opus/im.exec(answered)
  const parameters = new RegExp(`^a=fmtp:${type} (.*)\r$`, 'm').exec(answered)[1].split(';')
  assert.ok(parameters.includes('stereo=1') && parameters.includes('maxaveragebitrate=16000'), parameters.join(';'))
  await arrives(transport, { audio: 100 }, 'sound')
  const [
    {
      encodings: [{ bytesReceived, packetsReceived }]
    }
  ] = (await transport.getStats()).incomingTracks
  // 16 kbit/s is 40 bytes every 20 ms; unasked Chromium takes twice that.
  assert.ok(bytesReceived / packetsReceived < 65, `${bytesReceived / packetsReceived} bytes a packet`)
})

check('a description without a=rtcp-mux is refused and says so', async t => {
  const there = await meet(t)
  const transport = there.endpoint.createTransport()
  const peer = await BrowserPeer.open(t, there.page, 'publisher')
  await peer.call('send', 'audio')
  const offer = await peer.call('offer')
  await assert.rejects(transport.acceptOffer(without(offer, 'a=rtcp-mux')), error => {
    assert.equal(error.code, 'ERR_SDP')
    assert.match(error.message, /rtcp-mux/)
    assert.match(error.line, /^m=audio /)
    return true
  })
  await peer.call('acceptAnswer', await transport.acceptOffer(offer))
  await arrives(transport, { audio: 25 }, 'sound once the offer is good')
})

check('a re-offer that is refused names its line and changes nothing', async t => {
  const there = await meet(t)
  const { peer, transport } = await publisher(t, there)
  await arrives(transport, SOME, 'media')
  await peer.call('restartIce')
  await peer.call('send', 'video')
  const offer = await peer.call('offer')
  const line = 'a=fingerprint:sha-256 ZZ'
  const broken = offer.replace(/^(m=video[^]*?)^a=fingerprint:.*$/m, `$1${line}`)
  await assert.rejects(transport.acceptOffer(broken), error => {
    assert.equal(error.code, 'ERR_SDP')
    assert.equal(error.line, line)
    return true
  })
  assert.equal(transport.incomingTracks.length, 2)
  assert.equal(transport.signalingState, 'stable')
  await arrives(transport, SOME, 'media after an offer that was refused')
  await peer.call('acceptAnswer', await transport.acceptOffer(offer))
  assert.equal(transport.incomingTracks.length, 3)
  await arrives(transport, SOME, 'media after an offer that was taken')
})

check('a payload type that means another codec in a later offer ends no call', async t => {
  const there = await meet(t)
  const { peer, transport } = await publisher(t, there)
  await arrives(transport, SOME, 'media')
  await peer.call('send', 'video')
  const offer = await peer.call('offer')
  const [known, added] = sections(offer).slice(1)
  const [, type] = /^a=rtpmap:(\d+) VP8\//m.exec(known)
  const clashing = added
    .replace(/^(m=video \S+ \S+) .*\r$/m, `$1 ${type}\r`)
    .replace(/^a=(rtpmap|fmtp|rtcp-fb):.*\r\n/gm, '')
    .concat(`a=rtpmap:${type} VP9/90000\r\n`)
  // Whether it is taken, as the MID tells the lines apart, or refused: those who talk go on talking.
  const answer = await transport.acceptOffer(offer.replace(added, clashing)).catch(error => assert.equal(error.code, 'ERR_SDP'))
  if (answer) assert.match(sections(answer)[2], new RegExp(`^m=video (0 .*|9 \\S+ ${type})\r`), 'only what was offered')
  assert.equal(transport.state, 'connected')
  await arrives(transport, SOME, 'media after it')
})
