'use strict'

/** A room that is recorded, as those see it who record and those who are recorded, and what comes of it in `<video>`. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { after, afterEach, before, test } = require('node:test')
const { createToken } = require('medialoom/auth')
const { Fixture, eventually, sees } = require('./fixture.js')

/** What a mixer costs is for other tests. */
const SMALL = { audio: true, video: { width: 320, height: 180, frameRate: 15, codecs: ['vp8'] } }

/** @type {Fixture} */
let fixture
let directory = ''
before(async () => {
  directory = fs.mkdtempSync('/tmp/medialoom-recordings-')
  fixture = await Fixture.start({ open: false, recordings: { directory, minFree: 0 }, mixer: SMALL })
})
after(async () => {
  await fixture.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})
afterEach(async () => {
  await fixture.clear()
  for (const room of [...fixture.server.rooms]) room.close()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

const tokenFor = grants => createToken(fixture.server.access.keys, { video: { room: 'loom', roomJoin: true, ...grants } })
const join = async (name, grants = {}, options = {}) => fixture.join(name, { fragment: `#token=${await tokenFor(grants)}`, ...options })

/** What part of the picture of an element is not black, and whether it is what it was before. @param {import('playwright-core').Page} page @param {string} selector */
const picture = (page, selector) =>
  page.$eval(selector, video => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 })
    const context = canvas.getContext('2d', { willReadFrequently: true })
    context.drawImage(video, 0, 0, 64, 36)
    const { data } = context.getImageData(0, 0, 64, 36)
    let [lit, sum] = [0, 0]
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] + data[at + 1] + data[at + 2] > 100) lit++
      sum = (sum * 31 + data[at + 1]) % 1_000_000_007
    }
    return { lit: lit / (64 * 36), sum, width: video.videoWidth }
  })

test('who may records the room, everybody sees the red mark, and the files play in the browser', async () => {
  const ada = await join('Ada', { roomRecord: true })
  const grace = await join('Grace', {}, { viewport: { width: 420, height: 760 } })
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  assert.equal(await grace.isVisible('#recordings-button'), false, 'not for everybody')
  await grace.keyboard.press('r')
  assert.equal(await grace.isVisible('#recordings'), false)
  for (const page of [ada, grace]) assert.equal(await page.isVisible('#recording-mark'), false)

  await ada.keyboard.press('r')
  await ada.click('#record-form label:has([value="both"])')
  await ada.click('.record-start')
  for (const page of [ada, grace]) {
    await page.waitForSelector('#recording-mark:not([hidden])')
    assert.equal(await page.getAttribute('#recording-mark', 'title'), 'Recorded by Ada')
    await page.locator('.notice', { hasText: 'Ada records this room' }).first().waitFor()
    const red = await page.$eval('#recording-mark i', dot => getComputedStyle(dot).backgroundColor)
    const [r, g, b] = red.match(/\d+/g).map(Number)
    assert.ok(r > 150 && g < 110 && b < 130, `the mark is ${red}`)
  }
  const linus = await join('Linus', {}, { camera: false })
  assert.ok(await linus.isVisible('#recording-mark'), 'who comes later sees it at once')
  await ada.click('#record-flag')
  const [recording] = fixture.server.rooms.get('loom').recordings
  await eventually(
    () => recording.files.filter(({ duration }) => duration > 2.5).length,
    count => count === 4,
    'the mix and three participants, each with some seconds'
  )
  await fixture.screenshot(ada, 'recording')
  await fixture.screenshot(grace, 'recorded')
  await ada.click('#record-stop')
  for (const page of [ada, grace, linus]) await page.waitForSelector('#recording-mark', { state: 'hidden' })
  const line = await ada.waitForSelector('#recordings-list li.finished')
  assert.match(await line.textContent(), /\d files/)

  const href = await ada.getAttribute('#recordings-list a', 'href')
  const page = await fixture.page()
  await page.goto(href)
  await page.waitForSelector('figure[data-source="mix"] video')
  const state = () =>
    page.$$eval('video', videos =>
      videos.map(({ currentTime, duration, error, readyState }) => ({ currentTime, duration, error: error?.message ?? null, readyState }))
    )
  await eventually(state, ([film]) => film?.readyState >= 2, 'the film is there')
  await page.click('#play')
  await eventually(state, ([film]) => film.currentTime > 1, 'the film plays')
  const before = await picture(page, 'video')
  assert.ok(before.width === 320 && before.lit > 0.1, JSON.stringify(before))
  await eventually(
    () => picture(page, 'video'),
    ({ sum }) => sum !== before.sum,
    'the picture moves'
  )
  await fixture.screenshot(page, 'recording-film')

  await page.click('[data-view="people"]')
  const videos = await eventually(
    state,
    all => all.length >= 2 && all.every(({ error, duration }) => error === null && duration > 1),
    'everybody'
  )
  assert.ok(videos.length <= 3)
  // They follow one clock, each from its own beginning on.
  const spread = () =>
    page.evaluate(() => {
      const shown = [...document.querySelectorAll('figure:not(.absent) video')].filter(video => !video.paused && !video.seeking)
      const offsets = shown.map(video => globalThis.player.position - globalThis.player.offsetOf(video) - video.currentTime)
      return { playing: shown.length, off: Math.max(...offsets.map(Math.abs)) }
    })
  await page.evaluate(() => globalThis.player.seek(0.5))
  await eventually(spread, ({ playing, off }) => playing >= 2 && off < 0.15, 'they are in step')
  await fixture.screenshot(page, 'recording-people')
  await page.click('#marks-list button')
  assert.equal(await page.isVisible('#files-list a[download$=".webm"]'), true)
})

test('a recording is deleted with a second tap, and a page without the right shows nothing', async () => {
  const ada = await join('Ada', { roomRecord: true }, { camera: false })
  const recording = await fixture.server.recordings.start(fixture.server.rooms.get('loom'), { what: 'tracks' })
  await eventually(
    () => recording.files[0]?.duration,
    duration => duration > 0.5,
    'half a second'
  )
  await recording.stop()
  await ada.keyboard.press('r')
  const line = `#recordings-list [data-recording="${recording.name}"]`
  const stranger = await fixture.page()
  fixture.complaints.length = 0
  await stranger.goto(`${fixture.server.url}r/loom/recordings/${recording.name}#token=${await tokenFor({})}`)
  await stranger.locator('#trouble', { hasText: 'cannot be shown' }).waitFor()
  assert.equal(await stranger.locator('video').count(), 0)
  // Chromium logs what the server refused.
  fixture.complaints.length = 0

  await ada.click(`${line} [aria-label="Delete"]`)
  await ada.click(`${line} [aria-label="Delete for good"]`)
  await ada.waitForSelector(line, { state: 'detached' })
  assert.ok(!fs.readdirSync(directory).includes(recording.name))
})
