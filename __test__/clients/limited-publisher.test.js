'use strict'

/** The most that a peer may send: browsers heed it, and what others send above it is dropped. */

const assert = require('node:assert/strict')
const { after, test } = require('node:test')
const { cleanup } = require('node-datachannel')
const { chromium } = require('../support/clients/browser/launch.js')
const { browserTest, publisher, withBrowser } = require('../support/clients/browser/suite.js')
const { vp8Frame } = require('../support/clients/frames.js')
const { RawPeer } = require('../support/clients/raw-peer.js')
const { until } = require('../support/events.js')
const { connected, loopbackEndpoint } = require('../support/loopback.js')

const LIMIT = 200_000
/** Of a packet that a raw peer sends, with its headers. */
const BYTES = 1000

after(() => cleanup())

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Bits per second that came of a transport's peer in so many seconds. */
async function bitrate(transport, seconds) {
  const bytes = async () =>
    (await transport.getStats()).incomingTracks.flatMap(({ encodings }) => encodings).reduce((sum, each) => sum + each.bytesReceived, 0)
  const [before, since] = [await bytes(), performance.now()]
  await sleep(seconds * 1000)
  return (((await bytes()) - before) * 8000) / (performance.now() - since)
}

test(
  'of a peer that goes on above its limit no more gets through, and all again when the limit is lifted',
  { timeout: 60_000 },
  async t => {
    const endpoint = await loopbackEndpoint(t)
    const sending = endpoint.createTransport()
    sending.setMaxIncomingBitrate(LIMIT)
    const line = { kind: 'video', mid: '0', direction: 'SendOnly', payloadType: 96, ssrcs: [2222] }
    const sender = await RawPeer.join(t, sending, [line])
    assert.match(sender.answer, new RegExp(`b=TIAS:${LIMIT}\r\nb=AS:${LIMIT / 1000}\r\n`))
    const watching = endpoint.createTransport()
    const [out] = watching.createOutgoingStream({ video: 1 }).video
    out.attachTo(sending.incomingTracks[0])
    const viewer = await RawPeer.join(t, watching, [{ ...line, direction: 'RecvOnly', ssrcs: [] }])

    // Some 800 kbit/s, as many as time has passed for.
    let number = 0
    const began = performance.now()
    const timer = setInterval(() => {
      for (const due = (performance.now() - began) / 10; number < due; number++) {
        const payload = Buffer.concat([vp8Frame(number, true), Buffer.alloc(BYTES - 660)])
        sender.send('0', { payloadType: 96, sequence: number & 0xffff, timestamp: number * 900, ssrc: 2222, payload, marker: true })
      }
    }, 10)
    t.after(() => clearInterval(timer))
    const dropped = async () => (await sending.getStats()).packetsDropped.tooMuch
    await until(async () => (await dropped()) > 0, 'packets that are too much', 15_000)
    const through = async () => {
      const [before, since] = [viewer.received('0').length, performance.now()]
      await sleep(3000)
      return ((viewer.received('0').length - before) * BYTES * 8000) / (performance.now() - since)
    }
    const limited = await through()
    assert.ok(limited > LIMIT / 3 && limited < LIMIT * 1.4, `${Math.round(limited)} bit/s`)

    sending.setMaxIncomingBitrate(null)
    await sleep(300)
    const before = await dropped()
    const free = await through()
    assert.ok(free > LIMIT * 2, `${Math.round(free)} bit/s`)
    assert.equal(await dropped(), before)
    // Before the endpoint closes, and its tracks.
    clearInterval(timer)
  }
)

test('a limit is checked', async t => {
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  for (const bitrate of [0, -1, 1.5, '1', undefined, Infinity]) {
    assert.throws(() => transport.setMaxIncomingBitrate(bitrate), { code: 'ERR_INVALID_ARG' })
  }
})

const meet = withBrowser(chromium)

browserTest(chromium, 'it sends no more than its limit, without negotiation, and more when that is lifted', async t => {
  const { transport } = await publisher(t, await meet(t), { media: [['video', { width: 960, height: 540 }]] })
  await connected(transport)
  transport.setMaxIncomingBitrate(LIMIT)
  await until(async () => (await bitrate(transport, 2)) < LIMIT * 1.15, 'a bitrate within the limit', 20_000)
  assert.ok((await bitrate(transport, 3)) < LIMIT * 1.25)
  assert.equal((await transport.getStats()).packetsDropped.tooMuch, 0)
  transport.setMaxIncomingBitrate(null)
  await until(async () => (await bitrate(transport, 1)) > LIMIT * 1.6, 'a bitrate without a limit', 25_000)
})
