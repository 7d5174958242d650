'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, hears, sees, tiles } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start()
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  for (const room of [...fixture.server.rooms]) room.close()
})

/** A page of the server's origin with nothing in it but the browser's own WebRTC. */
async function blank() {
  const page = await fixture.page()
  await page.goto(`${fixture.server.url}icon.svg`)
  await page.evaluate(() => {
    /** Publishes the fake camera and microphone by WHIP. */
    globalThis.publish = async (url, codec) => {
      const peer = (globalThis.peer = new RTCPeerConnection())
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } })
      for (const track of stream.getTracks()) {
        const transceiver = peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
        if (track.kind === 'video' && codec) {
          transceiver.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs.filter(each => each.mimeType === codec))
        }
      }
      return globalThis.offerTo(url)
    }
    /** Plays by WHEP, with places for so many participants. */
    globalThis.play = async (url, places) => {
      const peer = (globalThis.peer = new RTCPeerConnection())
      globalThis.audio = []
      for (let place = 0; place < places; place += 1) {
        for (const kind of ['audio', 'video']) {
          const { receiver } = peer.addTransceiver(kind, { direction: 'recvonly' })
          // Sound counts only where it is played.
          const player = Object.assign(document.createElementNS('http://www.w3.org/1999/xhtml', kind), {
            srcObject: new MediaStream([receiver.track])
          })
          globalThis.audio.push(player)
          void player.play().catch(() => {})
        }
      }
      return globalThis.offerTo(url)
    }
    globalThis.offerTo = async url => {
      const { peer } = globalThis
      await peer.setLocalDescription()
      const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: peer.localDescription.sdp })
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
      globalThis.session = { url: response.headers.get('Location'), etag: response.headers.get('ETag') }
      await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
      return globalThis.session
    }
    /** What is received on each m-line, by its mid. */
    globalThis.received = async () => {
      const report = await globalThis.peer.getStats()
      const lines = {}
      report.forEach(stat => {
        if (stat.type !== 'inbound-rtp') return
        const codec = report.get(stat.codecId)?.mimeType
        lines[stat.mid] = {
          kind: stat.kind,
          codec,
          frames: stat.framesDecoded ?? 0,
          level: stat.audioLevel ?? 0,
          packets: stat.packetsReceived
        }
      })
      return lines
    }
  })
  return page
}

const publish = (page, path, codec) => page.evaluate(([url, mime]) => globalThis.publish(url, mime), [path, codec])
const play = (page, path, places) => page.evaluate(([url, count]) => globalThis.play(url, count), [path, places])
const lines = page => page.evaluate(() => globalThis.received())

/** Passes when the player decodes new frames on the m-line. */
async function decodes(page, mid, codec) {
  const first = await eventually(
    () => lines(page),
    now => now[mid]?.frames > 0,
    `video on m-line ${mid}`
  )
  const now = await eventually(
    () => lines(page),
    later => later[mid].frames > first[mid].frames + 4,
    `moving video on m-line ${mid}`
  )
  if (codec) assert.equal(now[mid].codec, codec)
}

for (const codec of ['video/H264', 'video/VP9', 'video/AV1', 'video/VP8']) {
  test(`WHIP to WHEP in ${codec.slice(6)}, where this Chromium encodes it: what one browser publishes another plays`, async t => {
    const publisher = await blank()
    const encodes = await publisher.evaluate(
      mime => RTCRtpSender.getCapabilities('video').codecs.some(each => each.mimeType === mime),
      codec
    )
    if (!encodes) return t.skip('it does not')
    await publish(publisher, '/whip/stage?peer=camera', codec)
    const player = await blank()
    await play(player, '/whep/stage', 1)
    await decodes(player, '1', codec)
    await eventually(
      () => lines(player),
      now => now[0]?.level > 0.01,
      'sound on m-line 0'
    )
  })
}

test('a WHIP publisher is on the page like everyone else, and a WHEP player sees the page', async () => {
  const ada = await fixture.join('Ada', { room: 'stage' })
  const publisher = await blank()
  await publish(publisher, '/whip/stage?peer=OBS')
  await Promise.all([sees(ada, 'OBS'), hears(ada, 'OBS')])
  const player = await blank()
  await play(player, '/whep/stage?peer=OBS', 2)
  await decodes(player, '1')
  assert.equal((await lines(player))[3]?.packets ?? 0, 0, 'its own tracks do not come back')
  await eventually(
    () => ada.textContent('#mode-text'),
    text => text?.includes('1 watching'),
    'the player is counted'
  )
  await fixture.screenshot(ada, 'whip-in-room')

  await ada.click('.segments [data-mode="p2p"]')
  await eventually(
    () => ada.textContent('#notices'),
    text => text?.includes('WHIP or WHEP'),
    'why the mode stays'
  )
  await publisher.evaluate(() => fetch(globalThis.session.url, { method: 'DELETE' }))
  await eventually(
    () => tiles(ada),
    names => !names.includes('OBS'),
    'the tile is gone with its owner'
  )
})

test('m-lines fill in order of joining, wait for those who come later, and are free again after them', async () => {
  const player = await blank()
  await play(player, '/whep/stage', 2)
  const first = await blank()
  await publish(first, '/whip/stage?peer=first')
  await decodes(player, '1')
  const second = await blank()
  await publish(second, '/whip/stage?peer=second')
  await decodes(player, '3')
  await first.evaluate(() => fetch(globalThis.session.url, { method: 'DELETE' }))
  await second.waitForTimeout(300)
  const third = await blank()
  const before = (await lines(player))[1].frames
  await publish(third, '/whip/stage?peer=third')
  await eventually(
    () => lines(player),
    now => now[1].frames > before + 4,
    'the free m-line is filled again'
  )
  await decodes(player, '3')
})

test('ICE restarts over PATCH, and media goes on', async () => {
  const publisher = await blank()
  await publish(publisher, '/whip/stage')
  const player = await blank()
  await play(player, '/whep/stage', 1)
  await decodes(player, '1')
  const statuses = await player.evaluate(async () => {
    const { peer, session } = globalThis
    const patch = (body, etag) =>
      fetch(session.url, { method: 'PATCH', headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag }, body })
    peer.restartIce()
    const old = peer.remoteDescription.sdp
    await peer.setLocalDescription()
    const value = (sdp, name) => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)[1]
    const local = peer.localDescription.sdp
    const body =
      ['ice-ufrag', 'ice-pwd'].map(name => `a=${name}:${value(local, name)}\r\n`).join('') + 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n'
    const restarted = await patch(body, '*')
    const text = await restarted.text()
    const answer = ['ice-ufrag', 'ice-pwd'].reduce(
      (sdp, name) => sdp.replaceAll(`a=${name}:${value(old, name)}`, `a=${name}:${value(text, name)}`),
      old
    )
    await peer.setRemoteDescription({ type: 'answer', sdp: answer })
    const stale = await patch(body, session.etag)
    return [restarted.status, stale.status]
  })
  assert.deepEqual(statuses, [200, 412])
  await player.waitForFunction(
    () => globalThis.peer.iceConnectionState === 'connected' || globalThis.peer.iceConnectionState === 'completed'
  )
  await decodes(player, '1')
})
