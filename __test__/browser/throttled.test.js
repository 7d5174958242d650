'use strict'

/** What Chromium shows of simulcast and SVC while its link gets thin and wide again, by its own figures. */

const assert = require('node:assert/strict')
const http = require('node:http')
const { after, before, test } = require('node:test')
const { chromium } = require('playwright-core')
const { Endpoint } = require('medialoom')
const { findChromium } = require('../../scripts/chromium.js')
const { BadNetwork } = require('../support/bad-network.js')
const { FLAGS, eventually } = require('./fixture.js')

const BACK = '127.0.0.1'
const FRONT = '127.0.0.2'
/** Bits a second; enough for the smallest layer and for no other with a frame rate to speak of. */
const THIN = 200_000
const WIDE = 10_000_000

let browser, server, url
before(async () => {
  server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<video autoplay muted></video>')
  })
  await new Promise(resolve => server.listen(0, BACK, resolve))
  url = `http://${BACK}:${server.address().port}/`
  browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS })
})
after(async () => {
  await browser?.close()
  server?.close()
})

/** A page and an endpoint with a network between them that is good still. */
async function overWideLink(t) {
  const endpoint = await Endpoint.create({ listen: [{ ip: BACK, announcedIp: FRONT }], tcp: false, threads: 1 })
  t.after(() => endpoint.close())
  const network = await BadNetwork.start(t, { front: FRONT, back: BACK, port: endpoint.addresses[0].port })
  network.set({ toClients: { bitrate: WIDE, delay: 10 }, fromClients: { delay: 10 } })
  const page = await browser.newPage()
  t.after(() => page.close())
  await page.goto(url)
  return { endpoint, network, page }
}

/** The page's offer to send its camera. Runs in the page. */
async function publish([codec, mode]) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, frameRate: 30 } })
  const connection = (globalThis.sender = new RTCPeerConnection())
  const layers = { scalabilityMode: 'L1T3' }
  const sendEncodings =
    mode === 'simulcast'
      ? [
          { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000, ...layers },
          { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000, ...layers },
          { rid: 'f', maxBitrate: 1_500_000, ...layers }
        ]
      : [{ scalabilityMode: mode, maxBitrate: 2_000_000 }]
  const transceiver = connection.addTransceiver(stream.getVideoTracks()[0], { direction: 'sendonly', sendEncodings })
  const { codecs } = RTCRtpSender.getCapabilities('video')
  const wanted = codecs.filter(({ mimeType }) => [`video/${codec}`, 'video/rtx'].includes(mimeType.toLowerCase()))
  transceiver.setCodecPreferences(wanted)
  await connection.setLocalDescription()
  return connection.localDescription.sdp
}

/** The page's answer to what it is to watch. Runs in the page. */
async function watch(offer) {
  const connection = (globalThis.receiver = new RTCPeerConnection())
  connection.ontrack = ({ track }) => {
    document.querySelector('video').srcObject = new MediaStream([track])
  }
  await connection.setRemoteDescription({ type: 'offer', sdp: offer })
  await connection.setLocalDescription()
  return connection.localDescription.sdp
}

/** Chromium's figures of what it watches. */
function figures(page) {
  return page.evaluate(async () => {
    const all = [...(await globalThis.receiver.getStats()).values()]
    const {
      framesDecoded = 0,
      freezeCount = 0,
      totalFreezesDuration = 0,
      frameHeight = 0
    } = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video') ?? {}
    return { framesDecoded, freezeCount, totalFreezesDuration, frameHeight }
  })
}

for (const [codec, mode] of [
  ['vp8', 'simulcast'],
  ['h264', 'simulcast'],
  ['vp9', 'L3T3_KEY'],
  ['av1', 'L3T3']
]) {
  test(`${codec} ${mode}: a thin link gets a smaller picture that goes on, a wide one the big one`, async t => {
    const { endpoint, network, page } = await overWideLink(t)

    const publisher = endpoint.createTransport()
    const arrived = new Promise(resolve => publisher.once('track', resolve))
    const answer = await publisher.acceptOffer(await page.evaluate(publish, [codec, mode]))
    await page.evaluate(sdp => globalThis.sender.setRemoteDescription({ type: 'answer', sdp }), answer)
    const viewer = endpoint.createTransport()
    const transponder = viewer.createOutgoingStream({ video: 1 }).video[0].attachTo(await arrived)
    await viewer.acceptAnswer(await page.evaluate(watch, await viewer.createOffer()))

    const height = async wanted => {
      const since = Date.now()
      const now = await eventually(() => figures(page), wanted, `another picture with ${codec}`, 60_000)
      return { ...now, after: Date.now() - since }
    }
    const big = await height(({ frameHeight }) => frameHeight >= 360)
    network.set({ toClients: { bitrate: THIN, delay: 10 } })
    const small = await height(({ frameHeight }) => frameHeight > 0 && frameHeight <= 180)
    assert.equal(transponder.layerReason, 'bandwidth')
    await eventually(
      () => figures(page),
      ({ framesDecoded }) => framesDecoded > small.framesDecoded + 40,
      'forty more pictures over the thin link',
      30_000
    )
    network.set({ toClients: { bitrate: WIDE, delay: 10 } })
    const again = await height(({ frameHeight }) => frameHeight >= 360)
    const freezes = again.freezeCount - big.freezeCount
    const frozen = again.totalFreezesDuration - big.totalFreezesDuration
    t.diagnostic(
      `${big.frameHeight} lines after ${big.after} ms, ${small.frameHeight} after ${small.after}, ` +
        `${again.frameHeight} after ${again.after}; ${freezes} freezes of ${frozen.toFixed(2)} s in all`
    )
    // Two to five seconds of it on a machine that has nothing else to do, most of them at the fall to a fiftieth.
    assert.ok(frozen < 12, `frozen for ${frozen} s`)
  })
}

test('a mixed picture of one size is made as small as the thinnest link needs it, and goes on', async t => {
  const { endpoint, network, page } = await overWideLink(t)
  const mixer = await endpoint.createMixer({ video: { width: 640, height: 360, frameRate: 25 } })
  const publisher = endpoint.createTransport()
  publisher.on('track', track => mixer.addPort({ label: 'Ada' }).attachTo(track))
  const answer = await publisher.acceptOffer(await page.evaluate(publish, ['vp8', 'L1T1']))
  await page.evaluate(sdp => globalThis.sender.setRemoteDescription({ type: 'answer', sdp }), answer)
  const viewer = endpoint.createTransport()
  viewer.createOutgoingStream({ video: 1 }).video[0].attachTo(mixer.video)
  await viewer.acceptAnswer(await page.evaluate(watch, await viewer.createOffer()))

  const rate = async () => {
    const encoded = async () => (await mixer.getStats()).classes.reduce((sum, { bytesEncoded }) => sum + bytesEncoded, 0)
    const [from, before] = [Date.now(), await encoded()]
    await new Promise(resolve => setTimeout(resolve, 1_000))
    return (((await encoded()) - before) * 8_000) / (Date.now() - from)
  }
  const rates = {}
  const enough = 200_000
  const thin = 120_000
  rates.wide = await eventually(rate, rate => rate > enough, 'a picture for a wide link', 60_000)
  network.set({ toClients: { bitrate: thin, delay: 10 } })
  rates.thin = await eventually(rate, rate => rate > 0 && rate < thin, 'a picture for a thin link', 60_000)
  const { framesDecoded } = await figures(page)
  const since = Date.now()
  await eventually(
    () => figures(page),
    now => now.framesDecoded > framesDecoded + 100,
    'a hundred more pictures',
    30_000
  )
  const goesOn = Date.now() - since
  network.set({ toClients: { bitrate: WIDE, delay: 10 } })
  rates.again = await eventually(rate, rate => rate > enough, 'a picture for a wide link again', 60_000)
  const kilobits = Object.entries(rates).map(([link, rate]) => `${link} ${Math.round(rate / 1000)} kbit/s`)
  t.diagnostic(`${kilobits.join(', ')}; 100 pictures over the thin link in ${goesOn} ms`)
})
