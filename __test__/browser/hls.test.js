'use strict'

/** Who only watches: the mix of a room by HLS, in the page and by hls.js. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const { after, afterEach, before, test } = require('node:test')
const { createToken } = require('medialoom/auth')
const { movingMixer } = require('../support/moving-mixer.js')
const { Fixture, eventually } = require('./fixture.js')

/** What a mixer costs is for other tests; H264 comes second, as in the mixers of rooms by default. */
const SMALL = { audio: true, video: { width: 320, height: 180, frameRate: 15, rungs: 2, codecs: ['vp8', 'h264'] } }
const SECONDS = Number(process.env.HLS_SECONDS ?? 8)

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ open: false, mixer: SMALL })
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

const fragment = async grants =>
  `#token=${await createToken(fixture.server.access.keys, { video: { room: 'loom', roomJoin: true, ...grants } })}`

/** How the picture goes. @param {import('playwright-core').Page} page */
const state = page =>
  page.$eval('video', video => ({
    at: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    sound: video.webkitAudioDecodedByteCount,
    width: video.videoWidth,
    error: video.error?.message ?? null,
    latency: globalThis.player?.latency ?? null
  }))

/** Plays on, and says how. @param {import('playwright-core').Page} page @param {number} seconds */
async function playOn(page, seconds) {
  await page.$eval('video', video => {
    globalThis.waits = 0
    video.onwaiting = () => (globalThis.waits += 1)
  })
  const before = await state(page)
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const now = await state(page)
  return {
    ...now,
    played: now.at - before.at,
    more: now.frames - before.frames,
    waits: await page.evaluate(() => globalThis.waits),
    before
  }
}

test('who has the link watches the mix of a room about two seconds behind, without a stall', async t => {
  const ada = await fixture.join('Ada', { fragment: await fragment({}) })
  const page = await fixture.page()
  await page.goto(`${fixture.server.url}hls/loom${await fragment({ canPublish: false })}`)
  await eventually(
    () => state(page),
    ({ at, frames }) => at > 0 && frames > 10,
    'the picture',
    30_000
  )
  // How it begins is hls.js's affair.
  await new Promise(resolve => setTimeout(resolve, 2000))
  const now = await playOn(page, SECONDS)
  t.diagnostic(JSON.stringify(now))
  assert.equal(now.error, null)
  assert.ok(now.played > SECONDS * 0.8, `${now.played} of ${SECONDS} s were played`)
  assert.ok(now.more > SECONDS * 5, `${now.more} frames`)
  assert.ok(now.sound > now.before.sound, 'sound is decoded')
  assert.ok(now.latency < 5, `${now.latency} s behind`)
  assert.match(await page.textContent('#state'), /Live/)
  await fixture.screenshot(page, 'watch')
  const room = fixture.server.rooms.get('loom')
  assert.equal(room.hls.watched, true)

  // The mixer makes two sizes, and players go from one to the other.
  assert.equal(await page.evaluate(() => globalThis.player.levels.length), 2)
  await page.$eval('video', video => {
    globalThis.waits = 0
    video.onwaiting = () => (globalThis.waits += 1)
  })
  for (const level of [1, 0, 1]) {
    await page.evaluate(level => (globalThis.player.loadLevel = level), level)
    await eventually(
      () => page.evaluate(() => globalThis.player.currentLevel),
      shown => shown === level,
      `level ${level}`
    )
  }
  // A part that a busy machine makes late is one.
  const waits = await page.evaluate(() => globalThis.waits)
  assert.ok(waits <= 1, `${waits} stalls while it went to another size`)
  await ada.close()
  await eventually(
    () => page.textContent('#state'),
    text => /Nothing to watch just now/.test(text),
    'the end',
    30_000
  )
  // That it is over comes as an answer to the player, which Chromium logs.
  fixture.complaints = fixture.complaints.filter(text => !/status of (403|404|410)/.test(text))
})

test('who may not watch is told so, and an address without a ticket is none', async () => {
  await fixture.join('Ada', { fragment: await fragment({}) })
  const { url } = fixture.server
  assert.equal((await fetch(`${url}api/rooms/loom/hls`)).status, 401)
  const headers = async grants => ({ Authorization: `Bearer ${(await fragment(grants)).slice(7)}` })
  assert.equal((await fetch(`${url}api/rooms/loom/hls`, { headers: await headers({ canSubscribe: false }) })).status, 403)
  assert.equal((await fetch(`${url}api/rooms/loom/hls`, { headers: await headers({ room: 'other' }) })).status, 403)
  const answer = await (await fetch(`${url}api/rooms/loom/hls`, { headers: await headers({}) })).json()
  const room = fixture.server.rooms.get('loom')
  room.lock()
  assert.equal((await fetch(`${url}api/rooms/loom/hls`, { headers: await headers({}) })).status, 409, 'a lock holds')
  room.unlock()
  const eve = await createToken(fixture.server.access.keys, { identity: 'eve', video: { room: 'loom', roomJoin: true } })
  const hers = { headers: { Authorization: `Bearer ${eve}` } }
  const { url: address } = await (await fetch(`${url}api/rooms/loom/hls`, hers)).json()
  assert.equal((await fetch(new URL(address, url))).status, 200)
  room.ban('eve')
  assert.equal((await fetch(new URL(address, url))).status, 403, 'and a ban, for who watches already')
  assert.equal((await fetch(`${url}api/rooms/loom/hls`, hers)).status, 403)
  assert.equal((await fetch(new URL(answer.url, url))).status, 200)
  for (const wrong of [answer.url.replace('/loom/', '/other/'), answer.url.replace(/\/\d+\./, '/9999999999999.')]) {
    assert.equal((await fetch(new URL(wrong, url))).status, 403)
  }
  const page = await fixture.page()
  await page.goto(`${url}r/loom/watch${await fragment({ canSubscribe: false })}`)
  await eventually(
    () => page.textContent('#state'),
    text => /canSubscribe|not allow/.test(text),
    'why'
  )
  fixture.complaints = fixture.complaints.filter(text => !/status of 403/.test(text))
})

/** A page that plays a stream, and nothing else. Gives its address. */
async function pageOf(t, hls) {
  const script = `
    import Hls from '/hls.mjs'
    globalThis.player = new Hls({ lowLatencyMode: true, enableWorker: false })
    player.loadSource('/index.m3u8')
    player.attachMedia(document.querySelector('video'))`
  const html = `<link rel="icon" href="data:,"><video muted autoplay></video><script type="module">${script}</script>`
  const server = http.createServer((request, response) => {
    if (request.url === '/') return response.setHeader('Content-Type', 'text/html').end(html)
    if (request.url !== '/hls.mjs') return hls.handler(request, response)
    response.setHeader('Content-Type', 'text/javascript')
    fs.createReadStream(require.resolve('hls.js/dist/hls.min.mjs')).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}/`
}

test('pictures that come less often than parts end play without a stall, and a microphone that stops is silence', async t => {
  const ada = await fixture.join('Ada', { fragment: await fragment({}) })
  const microphone = await eventually(
    () => fixture.server.rooms.get('loom')?.participants[0]?.tracks.find(({ kind }) => kind === 'audio'),
    Boolean,
    'the microphone'
  )
  const { endpoint } = fixture.server.rooms
  const { mixer, stop } = await movingMixer(endpoint, { frameRate: 1, rungs: 1, codecs: ['h264'] })
  t.after(stop)
  t.after(() => mixer.close())
  const hls = await endpoint.createHls()
  t.after(() => hls.close())
  hls.add(mixer.video)
  hls.add(microphone)
  const page = await fixture.page()
  await page.goto(await pageOf(t, hls))
  await eventually(
    () => state(page),
    ({ at }) => at > 2,
    'the picture',
    30_000
  )
  // Not even silence is sent any more.
  await ada.evaluate(async () => {
    for (const sender of globalThis.peerConnections.flatMap(peer => peer.getSenders())) {
      if (sender.track?.kind === 'audio') await sender.replaceTrack(null)
    }
  })
  const now = await playOn(page, 5)
  t.diagnostic(JSON.stringify(now))
  assert.equal(now.error, null)
  assert.ok(now.played > 4, `${now.played} of 5 s were played`)
  assert.ok(now.waits <= 1, `${now.waits} stalls`)
  assert.ok(now.more >= 4, `${now.more} frames`)
  assert.ok(now.sound > now.before.sound, 'silence is decoded')
})
