'use strict'

/** One room server and one Chromium for a file of tests, and what to do with them. */

const fs = require('node:fs')
const path = require('node:path')
const { chromium } = require('playwright-core')
const { findChromium } = require('../../scripts/chromium.js')

const SCREENSHOTS = path.join(__dirname, 'screenshots')
const PATIENCE_MS = 20_000

const FLAGS = [
  '--no-sandbox',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--auto-accept-this-tab-capture',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-gpu'
]

/** @typedef {import('playwright-core').Page} Page */

class Fixture {
  /** What pages logged as errors, which no test expects. @type {string[]} */
  complaints = []

  /**
   * @param {object} [options]
   * @param {object} [options.limits] of the room server
   * @param {object} [options.endpoint] its media
   * @param {boolean} [options.open] whether everybody may come in and do everything
   * @param {object} [options.recordings] of the room server
   * @param {object} [options.mixer] what rooms mix with
   * @param {object} [options.inputs] what is listened for beside WebRTC
   */
  static async start({ limits, endpoint = { listen: [{ ip: '127.0.0.1' }] }, open = true, recordings, mixer, inputs } = {}) {
    const executablePath = findChromium()
    if (!executablePath) throw new Error('There is no Chromium: install one, or name it in CHROMIUM')
    const fixture = new Fixture()
    fixture.limits = limits
    fixture.endpoint = endpoint
    fixture.open = open
    fixture.recordings = recordings
    fixture.mixer = mixer
    fixture.inputs = inputs
    fixture.browser = await chromium.launch({ executablePath, args: FLAGS })
    await fixture.startServer(0)
    return fixture
  }

  /** @param {number} port */
  async startServer(port) {
    const { startRoomServer } = await import('../../examples/room-server/room-server.js')
    this.server = await startRoomServer({
      port,
      host: '127.0.0.1',
      endpoint: this.endpoint,
      iceServers: [],
      open: this.open,
      limits: this.limits,
      recordings: this.recordings,
      mixer: this.mixer,
      inputs: this.inputs
    })
  }

  async stop() {
    await this.browser.close()
    await this.server.close()
  }

  /** Closes every page, so that the next test has the machine for itself. */
  async clear() {
    for (const context of this.browser.contexts()) await context.close()
  }

  /** A page that takes part in nothing yet. Its `peerConnections` are all that were ever made in it. */
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 760 }, ...options })
    const page = await context.newPage()
    await page.addInitScript(() => {
      const { RTCPeerConnection } = globalThis
      globalThis.peerConnections = []
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...parameters) {
          super(...parameters)
          globalThis.peerConnections.push(this)
        }
      }
    })
    page.on('pageerror', error => this.complaints.push(String(error.stack ?? error)))
    page.on('console', message => {
      // Chromium logs every failed try to reach a server that is down.
      if (message.type() === 'error' && !/WebSocket|ERR_/.test(message.text())) this.complaints.push(message.text())
    })
    return page
  }

  /**
   * An empty page of the server's, which negotiates by WHIP and WHEP with `offerTo(url, peer)`.
   *
   * @param {(page: Page) => Promise<void>} [prepare]
   */
  async blankPage(prepare) {
    const page = await this.page()
    await prepare?.(page)
    await page.addInitScript(() => {
      globalThis.offerTo = async (url, peer) => {
        await peer.setLocalDescription()
        const headers = { 'Content-Type': 'application/sdp' }
        const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp })
        if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
        await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
      }
    })
    const body = '<link rel="icon" href="data:,">'
    await page.route('**/blank', route => route.fulfill({ contentType: 'text/html', body }))
    await page.goto(`${this.server.url}blank`)
    return page
  }

  /** Opens the room page and joins. @param {string} name @param {object} options */
  async join(name, { room = 'loom', mode = 'sfu', query = {}, fragment = '', camera = true, prepare, ...options } = {}) {
    const page = await this.page(options)
    await prepare?.(page)
    await page.goto(`${this.server.url}r/${room}?${new URLSearchParams({ name, mode, ...query })}${fragment}`)
    await page.waitForFunction(() => document.querySelector('.preview.live') !== null)
    if (!camera) await page.click('#preview-camera')
    await page.click('#join-button')
    await page.waitForFunction(() => globalThis.call?.joined)
    return page
  }

  /** @param {Page} page @param {string} name */
  async screenshot(page, name) {
    fs.mkdirSync(SCREENSHOTS, { recursive: true })
    await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) })
  }
}

/**
 * Asks again and again until the answer will do.
 *
 * @template T
 * @param {() => Promise<T> | T} ask
 * @param {(answer: T) => unknown} isGood
 * @param {string} what for the message when it never is
 * @param {number} [patience] milliseconds
 * @returns {Promise<T>}
 */
async function eventually(ask, isGood, what, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience
  let answer
  for (;;) {
    answer = await ask()
    if (isGood(answer)) return answer
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patience} ms; last seen ${JSON.stringify(answer)?.slice(0, 600)}`)
    await new Promise(resolve => setTimeout(resolve, 150))
  }
}

/**
 * What a page receives of a participant now: figures of `statistics.js`, `null` while there is none.
 *
 * @param {Page} page
 * @param {string} name
 * @param {'camera' | 'screen'} [source]
 */
function received(page, name, source = 'camera') {
  return page.evaluate(
    async ([wanted, from]) => {
      const { call } = globalThis
      const participant = [...call.participants.values()].find(each => each.name === wanted && !each.isLocal)
      const stream = participant?.[from]
      const figures = await call.figures()
      const of = track => (track && figures.get(track.id)) ?? null
      return { audio: of(stream?.audioTrack), video: of(stream?.videoTrack) }
    },
    [name, source]
  )
}

/**
 * Passes when the page decodes new frames of a participant's video.
 * @param {Page} page @param {string} name @param {'camera' | 'screen'} [source]
 */
async function sees(page, name, source = 'camera') {
  const what = `moving ${source} video of ${name}`
  const { video } = await eventually(
    () => received(page, name, source),
    now => now.video?.framesDecoded > 0,
    what
  )
  const before = video.framesDecoded
  const after = await eventually(
    () => received(page, name, source),
    now => now.video?.framesDecoded > before + 4,
    what
  )
  return after.video
}

/** Passes when sound of a participant comes out. @param {Page} page @param {string} name */
async function hears(page, name) {
  // The fake microphone beeps once a second and is silent in between.
  return eventually(
    () => received(page, name),
    now => now.audio?.audioLevel > 0.01 && now.audio.bitrate > 0,
    `sound of ${name}`
  )
}

/** Names of the tiles on the stage, in their order. @param {Page} page @returns {Promise<string[]>} */
function tiles(page) {
  return page.$$eval('.tile-name b', names => names.map(name => name.textContent ?? ''))
}

module.exports = { FLAGS, Fixture, eventually, hears, received, sees, tiles }
