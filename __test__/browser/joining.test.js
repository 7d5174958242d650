'use strict'

/**
 * How long it takes to join over links with a delay, with real browsers: for a viewer by WHEP or by
 * the page's client until it shows a picture, for a publisher by WHIP until its media can be
 * forwarded. Signaling has no delay, as a page or an encoder may have its server near.
 *
 * `JOINING_ROUND_TRIPS=0,100,300,600` tries these in every browser instead of the few that a run of
 * all tests has time for, and `JOINING_SIGNALING=1` delays signaling as well.
 */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { BadNetwork } = require('../support/bad-network.js')
const { DelayedWeb } = require('../support/delayed-web.js')
const { chromium, firefox } = require('../support/clients/browser/launch.js')

/** The endpoint listens here and says it is there, where the delay is. */
const BACK = '127.0.0.1'
const FRONT = '127.0.0.2'
const ALL = process.env.JOINING_ROUND_TRIPS?.split(',').map(Number)
/**
 * What a join may take beyond three round trips, in milliseconds: a keyframe's way, decoding, threads that are woken.
 * On a machine with other things to do, what it takes without a delay.
 */
const REST = 200
/** One of so many joins has to be quick enough. */
const TRIES = 8

/** @param {import('../support/clients/browser/launch.js')['chromium']} browser @param {number[]} roundTrips */
function joining(browser, roundTrips) {
  const skip = browser.missing ? `${browser.name}: ${browser.missing}` : false
  let launched
  before(async () => {
    if (!skip) launched = await browser.launch()
  })
  after(() => launched?.close())

  for (const roundTrip of ALL ?? roundTrips) {
    test(`${browser.name} joins over a round trip of ${roundTrip} ms`, { skip, timeout: 120_000 }, async t => {
      const { startRoomServer } = await import('../../examples/room-server/room-server.js')
      const endpoint = { listen: [{ ip: BACK, announcedIp: FRONT }], tcp: false }
      const server = await startRoomServer({ port: 0, host: '127.0.0.1', endpoint, iceServers: [], open: true })
      t.after(() => server.close())
      const network = await BadNetwork.start(t, { front: FRONT, back: BACK, port: server.endpoint.addresses[0].port })
      const web = await DelayedWeb.start(t, server.url)

      // On a page of the server's own on which nothing goes on, and whose publication is near.
      const page = await launched.open(`${web.url}css/base.css`)
      t.after(() => page.close().catch(() => {}))
      await page.evaluate(inPage)
      await page.evaluate(() => globalThis.joining.publish('/whip/stage'))
      await page.evaluate(() => globalThis.joining.watch('/whep/stage'))
      const ways = {
        WHEP: () => page.evaluate(() => globalThis.joining.watch('/whep/stage')),
        'the client': () => page.evaluate(() => globalThis.joining.enter('/r/stage')),
        WHIP: count => {
          const forwarded = new Promise(resolve => {
            server.endpoint.once('transport', transport => {
              transport.on('track', track => track.kind === 'video' && track.once('encoding', () => resolve(Date.now())))
            })
          })
          const offered = page.evaluate(url => globalThis.joining.publish(url), `/whip/stage-${count}`)
          return Promise.all([forwarded, offered]).then(async ([then, since]) => {
            await page.evaluate(() => globalThis.joining.unpublish())
            return then - since
          })
        }
      }
      let count = 0
      /** Milliseconds that joins took, until one is quick enough. */
      const joins = async (join, tries, limit) => {
        const took = []
        while (took.length < tries && !(took.at(-1) <= limit)) took.push(Math.round(await join(count++)))
        return took
      }
      const near = {}
      for (const [by, join] of Object.entries(ways)) near[by] = roundTrip > 0 ? await joins(join, 2, 0) : []
      network.keep()
      const delay = roundTrip / 2
      network.set({ toClients: { delay }, fromClients: { delay } })
      web.delay = process.env.JOINING_SIGNALING ? delay : 0

      for (const [by, join] of Object.entries(ways)) {
        const limit = 3 * roundTrip + Math.max(REST, ...near[by])
        const took = await joins(join, TRIES, limit)
        const without = roundTrip > 0 ? `; ${near[by].join(', ')} without a delay` : ''
        t.diagnostic(`${by}: ${took.join(', ')} ms of ${limit}${without}`)
        assert.ok(took.at(-1) <= limit, `${by}: ${took} ms of ${limit}`)
      }
    })
  }
}

/** Runs in the page. What it makes goes by `globalThis.joining`. */
function inPage() {
  /** A media element that plays, and when it has its first picture, by `Date.now()`. */
  const player = stream => {
    const video = Object.assign(document.createElementNS('http://www.w3.org/1999/xhtml', 'video'), { srcObject: stream, muted: true })
    const shown = new Promise(resolve => (video.onloadeddata = () => resolve(Date.now())))
    document.documentElement.append(video)
    void video.play().catch(() => {})
    return { video, shown }
  }

  /** Offers with all candidates; gives when. */
  const offer = async (peer, url) => {
    await peer.setLocalDescription()
    while (peer.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 5))
    const since = Date.now()
    const headers = { 'Content-Type': 'application/sdp' }
    const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
    return since
  }

  const publishers = []
  globalThis.joining = {
    /** Publishes the fake camera. */
    async publish(url) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } })
      const peer = new RTCPeerConnection()
      for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
      publishers.push(peer)
      return offer(peer, url)
    },

    /** Ends what was published last. */
    unpublish() {
      publishers.pop().close()
    },

    /** How long it takes a viewer from its offer to its first picture, in milliseconds. */
    async watch(url) {
      const peer = new RTCPeerConnection()
      peer.addTransceiver('audio', { direction: 'recvonly' })
      const { receiver } = peer.addTransceiver('video', { direction: 'recvonly' })
      const { video, shown } = player(new MediaStream([receiver.track]))
      const since = await offer(peer, url)
      const took = (await shown) - since
      peer.close()
      video.remove()
      return took
    },

    /** The same for the client of rooms. */
    async enter(path) {
      const { Room, LocalMedia } = await import('/client/index.js')
      const { RTCPeerConnection } = globalThis
      let since
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        async setLocalDescription(...description) {
          await super.setLocalDescription(...description)
          since ??= Date.now()
        }
      }
      const room = new Room(new URL(path, location.href).href, null, { name: 'Grace', media: new LocalMedia() })
      const came = new Promise(resolve => room.on('stream', stream => stream?.videoTrack && resolve(stream.videoTrack)))
      await room.join()
      globalThis.RTCPeerConnection = RTCPeerConnection
      const { video, shown } = player(new MediaStream([await came]))
      const took = (await shown) - since
      await room.leave()
      video.remove()
      return took
    }
  }
}

joining(chromium, [0, 100, 300])
joining(firefox, [0, 300])
