'use strict'

/** RTP as gateways, restarted encoders and home-made streamers send it, through the engine to a viewer. */

const assert = require('node:assert/strict')
const { after, test } = require('node:test')
const { cleanup } = require('node-datachannel')
const { opusFrame, rtpPacket, vp8Frame } = require('../support/clients/frames.js')
const { RawPeer } = require('../support/clients/raw-peer.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const SOUND = { kind: 'audio', mid: '0', direction: 'SendOnly', payloadType: 111, ssrcs: [1111] }
const PICTURE = { kind: 'video', mid: '1', direction: 'SendOnly', payloadType: 96, ssrcs: [2222] }
/** Packets of one run, 10 ms apart. */
const MANY = 40
/** What a run has to bring when its first packets only tell which stream it is. */
const MOST = 30

after(() => cleanup())

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
const withLine = line => sdp => sdp.replace(/\r\n$/, `\r\n${line}\r\n`)
const withoutMids = sdp => sdp.replace(/^a=extmap:.*sdes:mid\r\n/gm, '')
const numbers = packets => packets.map(({ payload }) => payload.readUInt32BE(payload.length - 4))
const sound = (number, more) => ({
  payloadType: 111,
  sequence: number,
  timestamp: number * 960,
  ssrc: 1111,
  payload: opusFrame(number),
  marker: false,
  ...more
})
const picture = (number, more) => ({
  payloadType: 96,
  sequence: number,
  timestamp: number * 3000,
  ssrc: 2222,
  payload: vp8Frame(number, number % 10 === 0),
  ...more
})

/** A sender of such lines, and a viewer that gets the first track of each kind on lines `0` and `1`. */
async function through(t, lines = [SOUND, PICTURE], { sender: send, viewer: view, transport } = {}) {
  const endpoint = await loopbackEndpoint(t)
  const sending = endpoint.createTransport(transport)
  const watching = endpoint.createTransport()
  const sender = await RawPeer.join(t, sending, lines, send)
  const stream = watching.createOutgoingStream({ audio: 1, video: 1 })
  for (const kind of ['audio', 'video']) {
    const track = sending.incomingTracks.find(each => each.kind === kind)
    if (track) stream[kind][0].attachTo(track)
  }
  const viewer = await RawPeer.join(
    t,
    watching,
    [
      { kind: 'audio', mid: '0', direction: 'RecvOnly', payloadType: 111 },
      { kind: 'video', mid: '1', direction: 'RecvOnly', payloadType: 96 }
    ],
    view
  )
  return { sender, viewer, sending, watching }
}

/** Sends at a steady pace, and waits for the last to get through. */
async function run(count, send) {
  for (let number = 0; number < count; number++) {
    send(number)
    await sleep(10)
  }
  await sleep(300)
}

/** Sequence numbers go on by one, as if nothing had happened to the source. */
function assertContinuous(packets) {
  for (let at = 1; at < packets.length; at++) {
    assert.equal((packets[at].sequence - packets[at - 1].sequence) & 0xffff, 1, `sequence number after packet ${at}`)
  }
}

const check = (name, body) => test(name, { timeout: 30_000 }, body)

check('m-lines with names of their own: every packet comes through, in order', async t => {
  const named = [
    { ...SOUND, mid: 'audio-stream' },
    { ...PICTURE, mid: 'video-stream' }
  ]
  const { sender, viewer, sending } = await through(t, named)
  assert.deepEqual(
    sending.incomingTracks.map(track => track.mid),
    ['audio-stream', 'video-stream']
  )
  await run(MANY, number => {
    sender.send('audio-stream', sound(number))
    sender.send('video-stream', picture(number))
  })
  for (const mid of ['0', '1']) {
    assert.deepEqual(numbers(viewer.received(mid)), [...Array(MANY).keys()])
    assertContinuous(viewer.received(mid))
  }
})

check('sequence numbers wrap around', async t => {
  const { sender, viewer } = await through(t)
  await run(MANY, number => sender.send('1', picture(number, { sequence: 65_520 + number })))
  assert.equal(viewer.received('1').length, MANY)
  assertContinuous(viewer.received('1'))
})

for (const [name, ssrcs] of [
  ['no a=ssrc', []],
  ['an a=ssrc that is wrong', [5555]]
]) {
  check(`${name} and no MID in the packets: the payload type tells (RFC 9143 9.2)`, async t => {
    const lines = [
      { ...SOUND, ssrcs },
      { ...PICTURE, ssrcs: ssrcs.map(ssrc => ssrc + 1) }
    ]
    const { sender, viewer } = await through(t, lines, { sender: { offer: withoutMids } })
    await run(MANY, number => {
      sender.send('0', sound(number, { ssrc: 71 }))
      sender.send('1', picture(number, { ssrc: 72 }))
    })
    for (const mid of ['0', '1']) {
      assert.ok(viewer.received(mid).length >= MOST, `${viewer.received(mid).length} of ${MANY} on line ${mid}`)
      assertContinuous(viewer.received(mid))
    }
  })
}

check('an SSRC that changes in the middle of a call is one stream for the viewer', async t => {
  const { sender, viewer, sending } = await through(t, [SOUND, PICTURE], { sender: { offer: withoutMids } })
  await run(2 * MANY, number => {
    const second = number >= MANY
    sender.send('0', sound(number, second ? { ssrc: 9111, sequence: 5000 + number, timestamp: 77_777_777 + number * 960 } : {}))
    sender.send('1', picture(number, second ? { ssrc: 9222, sequence: 9000 + number, timestamp: 55_555_555 + number * 3000 } : {}))
  })
  for (const mid of ['0', '1']) {
    const later = numbers(viewer.received(mid)).filter(number => number >= MANY)
    assert.ok(later.length >= MOST, `${later.length} of ${MANY} after the change on line ${mid}`)
    assertContinuous(viewer.received(mid))
  }
  assert.deepEqual(
    sending.incomingTracks.map(({ encodings }) => encodings.map(({ ssrc }) => ssrc)),
    [[9111], [9222]]
  )
})

check('one payload type for sound and picture: the SSRC tells', async t => {
  const lines = [{ ...SOUND, payloadType: 96 }, PICTURE]
  const { sender, viewer } = await through(t, lines, { sender: { offer: withoutMids } })
  await run(MANY, number => {
    sender.send('0', sound(number, { payloadType: 96 }))
    sender.send('1', picture(number))
  })
  assert.deepEqual(numbers(viewer.received('0')), [...Array(MANY).keys()])
  assert.deepEqual(numbers(viewer.received('1')), [...Array(MANY).keys()])
})

check('a MID with an id above 14 tells the line (RFC 8285 4.3)', async t => {
  const mids = sdp => withoutMids(sdp).replace(/^a=mid:.*\r\n/gm, '$&a=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid\r\n')
  const lines = [
    { ...PICTURE, mid: '0', ssrcs: [] },
    { ...PICTURE, ssrcs: [] }
  ]
  const { sender, viewer, sending } = await through(t, lines, { sender: { offer: mids } })
  await run(MANY, number => {
    // Only the line nobody watches sends at first, so that its packets would show.
    sender.send('1', picture(1000 + number, { ssrc: 82, extensions: { 20: Buffer.from('1') } }))
    if (number >= 10) sender.send('0', picture(number, { ssrc: 81, extensions: { 20: Buffer.from('0') } }))
  })
  const seen = numbers(viewer.received('1'))
  assert.ok(seen.length >= 20 && seen.every(number => number < 1000), `${seen}`)
  const counts = (await sending.getStats()).incomingTracks.map(track =>
    track.encodings.reduce((sum, each) => sum + each.packetsReceived, 0)
  )
  assert.deepEqual(counts, [MANY - 10, MANY])
})

check('simulcast by a=ssrc-group:SIM without rids: the viewer gets one encoding at a time', async t => {
  const ssrcs = [301, 302, 303]
  const { sender, viewer, sending } = await through(t, [SOUND, { ...PICTURE, ssrcs }], {
    sender: { offer: withLine('a=ssrc-group:SIM 301 302 303') }
  })
  await run(2 * MANY, number => {
    ssrcs.forEach((ssrc, layer) =>
      sender.send(
        '1',
        picture(number, { ssrc, sequence: 1000 * layer + number, payload: vp8Frame(1000 * layer + number, number % 10 === 0) })
      )
    )
  })
  const [track] = (await sending.getStats()).incomingTracks.filter(({ kind }) => kind === 'video')
  assert.deepEqual(track.encodings.map(({ ssrc }) => ssrc).sort(), ssrcs)
  assert.deepEqual(sending.incomingTracks[1].encodings.map(({ ssrc }) => ssrc).sort(), ssrcs)
  // The three are alike, so which one is forwarded may change until all are there and their sizes are known; never
  // within a picture's references.
  const seen = numbers(viewer.received('1'))
  const changes = seen.filter((number, at) => at > 0 && Math.floor(number / 1000) !== Math.floor(seen[at - 1] / 1000))
  assert.ok(changes.length <= 3 && changes.every(number => number % 10 === 0), `${seen}`)
  assert.ok(seen.length >= MANY)
  assertContinuous(viewer.received('1'))
})

check('two cameras in one m-line, as Plan B had them, are never mixed into one track', async t => {
  const { sender, viewer } = await through(t, [SOUND, { ...PICTURE, ssrcs: [11, 22] }], {
    sender: { offer: sdp => sdp.replace(/^(a=ssrc:22 msid:)camera.*$/m, '$1screen screen') }
  })
  await run(MANY, number => {
    sender.send('1', picture(number, { ssrc: 11 }))
    sender.send('1', picture(number, { ssrc: 22, sequence: 3000 + number, payload: vp8Frame(1000 + number, number % 10 === 0) }))
  })
  const seen = numbers(viewer.received('1'))
  assert.ok(seen.length >= MOST, `${seen.length} of ${MANY}`)
  assert.equal(new Set(seen.map(number => number >= 1000)).size, 1, `${seen}`)
  assertContinuous(viewer.received('1'))
})

check('a retransmission of what was before the stream’s first packet changes nothing', async t => {
  const rtx = sdp => withLine('a=ssrc-group:FID 2222 3333')(sdp)
  const { sender, viewer, sending } = await through(t, [SOUND, { ...PICTURE, rtx: 97, ssrcs: [2222, 3333] }], { sender: { offer: rtx } })
  const first = 20
  await run(MANY, number => {
    sender.send('1', picture(number, { sequence: first + number }))
    if (number !== 5) return
    // The original sequence number stands before the payload (RFC 4588 4).
    const original = Buffer.alloc(2)
    original.writeUInt16BE((first - 50) & 0xffff)
    sender.send('1', { payloadType: 97, sequence: 1, timestamp: 0, ssrc: 3333, payload: Buffer.concat([original, vp8Frame(900, false)]) })
  })
  assert.deepEqual(
    numbers(viewer.received('1')).filter(number => number < 900),
    [...Array(MANY).keys()]
  )
  const [
    {
      encodings: [{ packetsLost }]
    }
  ] = (await sending.getStats()).incomingTracks.filter(({ kind }) => kind === 'video')
  assert.equal(packetsLost, 0)
})

check('pauses in Opus: the sequence goes on, time leaps, the marker stays', async t => {
  const { sender, viewer } = await through(t, [SOUND])
  const pauses = [10, 20]
  let timestamp = 0
  for (let number = 0; number < 30; number++) {
    const talks = pauses.includes(number)
    if (talks) {
      timestamp += 48_000
      await sleep(200)
    }
    sender.send('0', sound(number, { timestamp, marker: talks }))
    timestamp += 960
    await sleep(10)
  }
  await sleep(300)
  const packets = viewer.received('0')
  assert.deepEqual(numbers(packets), [...Array(30).keys()])
  assertContinuous(packets)
  for (const at of pauses) {
    assert.equal((packets[at].timestamp - packets[at - 1].timestamp) | 0, 960 + 48_000)
    assert.equal(packets[at].marker, true)
  }
})

check('RED that is cut short or wraps what it should not closes nobody and stops nothing', async t => {
  const { sender, viewer, sending } = await through(t, [{ ...SOUND, red: 63 }], { transport: { red: true } })
  /** Blocks `[payload type, length as told, bytes]` before a last one (RFC 2198 3). */
  const red = (blocks, last, type = 111) =>
    Buffer.concat([
      ...blocks.map(([payloadType, length]) => {
        const header = Buffer.alloc(4)
        header.writeUInt32BE(((0x80 | payloadType) * 2 ** 24 + (960 << 10) + length) >>> 0)
        return header
      }),
      Buffer.from([type]),
      ...blocks.map(([, , bytes]) => bytes),
      last
    ])
  const wrong = [
    Buffer.alloc(0),
    Buffer.from([0x80 | 111]),
    Buffer.from([0x80 | 111, 0, 0, 0]),
    red([], Buffer.alloc(10), 5),
    red([[111, 900, Buffer.alloc(5)]], Buffer.alloc(3)),
    red([[13, 1, Buffer.alloc(1)]], opusFrame(999))
  ]
  await run(MANY, number => {
    const repeated = opusFrame(Math.max(number - 1, 0))
    const payload = wrong[number - 10] ?? red([[111, repeated.length, repeated]], opusFrame(number))
    sender.send('0', sound(number, { payloadType: 63, payload }))
  })
  assert.equal(sending.state, 'connected')
  const seen = numbers(viewer.received('0').filter(({ payload }) => payload.length > 20)).filter(number => number < MANY)
  assert.ok(new Set(seen).size >= MANY - wrong.length, `${seen}`)
})

/** Header forms of RFC 3550 5.1 and RFC 8285 that say nothing new. */
const withSources = (packet, count) => {
  const changed = Buffer.concat([packet.subarray(0, 12), Buffer.alloc(4 * count, 0xcc), packet.subarray(12)])
  changed[0] |= count
  return changed
}
const padded = (packet, count) => {
  const changed = Buffer.concat([packet, Buffer.alloc(count - 1), Buffer.from([count])])
  changed[0] |= 0x20
  return changed
}
const extended = (packet, profile, words) => {
  const header = Buffer.from([profile >> 8, profile & 0xff, 0, words.length / 4])
  const changed = Buffer.concat([packet.subarray(0, 12), header, Buffer.from(words), packet.subarray(12)])
  changed[0] |= 0x10
  return changed
}
const FORMS = [
  packet => withSources(packet, 15),
  packet => padded(packet, 200),
  packet => extended(packet, 0x1234, [7, 7, 7, 7]),
  packet => extended(packet, 0xbede, []),
  packet => extended(packet, 0xbede, [0x1f, 1, 2, 3]),
  packet => extended(packet, 0x1000, [5, 0, 6, 0]),
  packet => padded(withSources(extended(packet, 0xbede, [0x10, 5, 0, 0]), 0), 4)
]
const rtcp = (type, count, ...words) => {
  const packet = Buffer.alloc(4 + 4 * words.length)
  packet.set([0x80 | count, type, 0, words.length])
  words.forEach((word, index) => packet.writeUInt32BE(word >>> 0, 4 + 4 * index))
  return packet
}
/** Reduced in size or not, of kinds that are known and not, cut short and longer than they are (RFC 3550 6, 3611, 4585, 5104). */
const REPORTS = [
  rtcp(204, 3, 1111, 0x51554144, 7),
  rtcp(208, 0, 1111, 7),
  rtcp(207, 0, 1111, 0xc8000001, 7),
  rtcp(207, 0, 1111, 0x04000009),
  rtcp(200, 0, 1111, 0xe0000000, 0, 0, 1, 60),
  Buffer.concat([rtcp(201, 0, 1111), rtcp(202, 0, 1111), rtcp(204, 0, 1111, 7)]),
  rtcp(205, 3, 1111, 0, 1111, 7),
  rtcp(206, 3, 1111, 0, 0),
  rtcp(206, 4, 1111, 0, 1111, 7),
  rtcp(206, 15, 1111, 0, 0x41424344),
  Object.assign(rtcp(201, 1, 1111, 0), { 3: 99 })
]

check('sources, padding, extensions and reports of any form: every packet comes through', async t => {
  const { sender, viewer, sending } = await through(t, [SOUND, PICTURE], { sender: { offer: withoutMids } })
  await run(2 * FORMS.length, number => {
    sender.bytes('0', FORMS[number % FORMS.length](rtpPacket(sound(number))))
    sender.bytes('0', REPORTS[number % REPORTS.length])
  })
  assert.deepEqual(
    numbers(viewer.received('0')),
    Array.from({ length: 2 * FORMS.length }, (_, number) => number)
  )
  assert.equal(sending.state, 'connected')
})

check('the orientation of a phone reaches a viewer that has another id for it', async t => {
  const orientation = id => ({ offer: withLine(`a=extmap:${id} urn:3gpp:video-orientation`) })
  const { sender, viewer } = await through(t, [SOUND, PICTURE], { sender: orientation(7), viewer: orientation(9) })
  await run(20, number => sender.send('1', picture(number, { extensions: { 7: Buffer.from([1]) } })))
  const packets = viewer.received('1')
  assert.equal(packets.length, 20)
  assert.ok(packets.every(({ extensions }) => extensions[9]?.[0] === 1))
})
