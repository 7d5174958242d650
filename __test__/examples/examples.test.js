'use strict'

/** Every example, started as its reader starts it, does its main thing once for pages of Chromium. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { after, before, test } = require('node:test')
const { chromium } = require('playwright-core')
const { findChromium } = require('../../scripts/chromium.js')
const { until, within } = require('../support/events.js')

const EXAMPLES = path.join(__dirname, '..', '..', 'examples')
const PATIENCE = 45_000
const FLAGS = [
  '--no-sandbox',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--auto-select-tab-capture-source-by-title=Watch party',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-gpu'
]

let browser
before(async () => {
  const executablePath = findChromium()
  assert.ok(executablePath, 'There is no Chromium: install one, or name it in CHROMIUM')
  browser = await chromium.launch({ executablePath, args: FLAGS })
})
after(() => browser?.close())

test('every example of a server and a page has under 120 lines a file, and a test here', () => {
  const tested = fs.readFileSync(__filename, 'utf8')
  const names = fs.readdirSync(EXAMPLES).filter(name => fs.existsSync(path.join(EXAMPLES, name, 'index.html')))
  assert.ok(names.length >= 7)
  for (const name of names) {
    assert.ok(tested.includes(`example(t, '${name}'`), name)
    for (const file of fs.readdirSync(path.join(EXAMPLES, name))) {
      if (!/\.(?:js|html)$/.test(file)) continue
      const lines = fs
        .readFileSync(path.join(EXAMPLES, name, file), 'utf8')
        .trimEnd()
        .split('\n').length
      assert.ok(lines < 120, `${name}/${file}: ${lines} lines`)
    }
  }
})

for (const name of ['forty-lines', 'fastify']) {
  test(`${name}: one publishes, another watches`, async t => {
    const { url } = await (name === 'fastify' ? example(t, 'fastify') : example(t, 'forty-lines'))
    const [publisher, viewer] = [await open(t, url), await open(t, url)]
    await publisher.click('#publish')
    await text(publisher, '#state', 'connected')
    await viewer.click('#watch')
    await plays(viewer, 'video')
    const refused = await fetch(`${url}/publish`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: 'nonsense' })
    assert.equal(refused.status, 400)
    const empty = await fetch(`${url}/publish`, { method: 'POST', headers: { 'content-type': 'application/sdp' } })
    assert.equal(empty.status, 400)
  })
}

test('call: two see each other from browser to browser, and a third is told that the room is full', async t => {
  const { url } = await example(t, 'call')
  const first = await open(t, url)
  await text(first, '#state', 'waiting for the other')
  const second = await open(t, url)
  await Promise.all([plays(first, '#other'), plays(second, '#other')])
  const third = await open(t, url)
  await text(third, '#state', /full/)
  await second.close()
  await text(first, '#state', 'waiting for the other')
})

test('webinar: the audience sees the mix, and a moderator mutes and removes a speaker', async t => {
  const { url } = await example(t, 'webinar')
  const speaker = await open(t, `${url}/?token=speaker&name=Ada`)
  await speaker.click('#speak')
  await text(speaker, '#state', 'connected')
  const viewer = await open(t, url)
  await viewer.click('#watch')
  await plays(viewer, 'video')
  const moderator = await open(t, `${url}/?moderator=moderator`)
  await moderator.click('text=Mute')
  await text(viewer, '#stage', /Ada \(muted\)/)
  await moderator.click('text=Remove')
  await until(async () => (await (await fetch(`${url}/stage`)).json()).length === 0, 'an empty stage', PATIENCE)
  const stranger = await open(t, `${url}/?token=wrong`)
  await stranger.click('#speak')
  await text(stranger, '#state', /./)
  assert.deepEqual(await (await fetch(`${url}/stage`)).json(), [])
})

test('voice-agent: it greets, hears the caller out and answers', async t => {
  const { url, output } = await example(t, 'voice-agent')
  const page = await open(t, url)
  await page.click('#call')
  await hears(page)
  // The device beeps now and then: long enough for one to be heard. Who then says nothing more wants an answer.
  await page.waitForTimeout(2500)
  await page.evaluate(() => window.microphones.forEach(track => (track.enabled = false)))
  await until(() => /heard \d+\.\d+ s/.test(output()), 'an answer', PATIENCE)
  await page.evaluate(() => (window.heardBefore = undefined))
  await hears(page)
})

test('phone-room: two dial the same number and hear each other', async t => {
  const { url } = await example(t, 'phone-room')
  const callers = [await open(t, url), await open(t, url)]
  for (const caller of callers) {
    await caller.click('#call')
    await text(caller, '#display', /Dial a number/)
    for (const key of ['4', '2', '#']) {
      await caller.click(`#keys >> text="${key}"`)
      if (key !== '#') await text(caller, '#display', new RegExp(`${key}$`))
    }
    await text(caller, '#display', /In room 42 with/)
  }
  await text(callers[1], '#display', /with 1 others/)
  await hears(callers[0])
  await callers[1].click('#keys >> text="*"')
  await text(callers[1], '#display', /Dial a number/)
})

test('whip-broadcast: a publisher with the stream key is seen by who watched before, and others are refused', async t => {
  const { url } = await example(t, 'whip-broadcast')
  const viewer = await open(t, url)
  await text(viewer, '#viewers', '1')
  const page = await open(t, url)
  assert.equal(await publishByWhip(page, `${url}/whip/live`, 'wrong'), 403)
  assert.equal(await publishByWhip(page, `${url}/whip/live`, 'let-me-in'), 201)
  await plays(viewer, 'video')
})

test('watch-party: what one plays is seen by all, and what one writes is read by all', async t => {
  const { url } = await example(t, 'watch-party')
  const [host, guest] = [await open(t, url), await open(t, url)]
  await host.click('#tab')
  await Promise.all([plays(host, '#screen'), plays(guest, '#screen')])
  await guest.fill('#text', 'hello')
  await guest.press('#text', 'Enter')
  await text(host, '#chat', /hello/)
})

test('stats-dashboard: who publishes shows in the page and in the metrics', async t => {
  const { url } = await example(t, 'stats-dashboard')
  const page = await open(t, url)
  await page.click('#publish')
  await text(page, 'tbody', /connected.*SRTP_/s)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  assert.match(metrics, /^medialoom_transports 1$/m)
  assert.match(metrics, /^medialoom_packets_received_total\{thread="0"\} \d+$/m)
})

test('socket-io: everybody in a room sees everybody, and who leaves is gone', async t => {
  const { url } = await example(t, 'socket-io')
  const ada = await open(t, `${url}/?room=garden&name=Ada`)
  await text(ada, '#people', 'Ada')
  const grace = await open(t, `${url}/?room=garden&name=Grace`)
  await Promise.all([plays(ada, '#tiles video'), plays(grace, '#tiles video')])
  await text(ada, '#people', 'Ada, Grace')
  await grace.close()
  await text(ada, '#people', 'Ada')
})

/** Starts an example; it ends with the test. */
async function example(t, name) {
  const env = { ...process.env, PORT: '0' }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, ['server.js'], { cwd: path.join(EXAMPLES, name), env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
  const ended = new Promise(resolve => child.on('exit', resolve))
  t.after(async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  })
  const url = await until(() => /http:\/\/localhost:\d+/.exec(output)?.[0], `start of ${name}: ${output}`, PATIENCE)
  return { url, output: () => output }
}

async function open(t, url) {
  const context = await browser.newContext({ permissions: ['microphone', 'camera'] })
  t.after(() => context.close())
  const page = await context.newPage()
  // What the browser captures and whom it talks to, for tests to look at.
  await page.addInitScript(() => {
    window.connections = []
    window.microphones = []
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) {
        super(...args)
        window.connections.push(this)
      }
    }
    const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = async constraints => {
      const stream = await capture(constraints)
      window.microphones.push(...stream.getAudioTracks())
      return stream
    }
  })
  await page.goto(url, { timeout: PATIENCE })
  return page
}

function text(page, selector, wanted) {
  return until(
    async () => {
      const found = (await page.locator(selector).textContent())?.trim() ?? ''
      return typeof wanted === 'string' ? found === wanted : wanted.test(found)
    },
    `${wanted} in ${selector}`,
    PATIENCE
  )
}

/** Waits until a picture moves on. */
async function plays(page, selector) {
  await page.waitForFunction(
    selector => {
      const video = document.querySelector(selector)
      return video?.videoWidth > 0 && video.currentTime > 0.2 && video.getVideoPlaybackQuality().totalVideoFrames > 5
    },
    selector,
    { timeout: PATIENCE }
  )
}

/** Waits until sound arrives that was not there before. */
async function hears(page) {
  await within(
    PATIENCE,
    page.waitForFunction(
      async () => {
        let energy = 0
        for (const connection of window.connections) {
          for (const report of (await connection.getStats()).values()) {
            if (report.type === 'inbound-rtp' && report.kind === 'audio') energy += report.totalAudioEnergy ?? 0
          }
        }
        window.heardBefore ??= energy
        return energy > window.heardBefore + 1e-4
      },
      undefined,
      { timeout: PATIENCE, polling: 200 }
    ),
    'sound'
  )
}

/** As OBS does. The status of the answer. */
function publishByWhip(page, url, token) {
  return page.evaluate(
    async ({ url, token }) => {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
      const connection = new RTCPeerConnection()
      for (const track of stream.getTracks()) connection.addTrack(track, stream)
      await connection.setLocalDescription()
      const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${token}` }
      const response = await fetch(url, { method: 'POST', headers, body: connection.localDescription.sdp })
      if (response.ok) await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
      return response.status
    },
    { url, token }
  )
}
