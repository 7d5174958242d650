'use strict'

/** End-to-end encryption of the room page: who has the key sees and hears, who has not is told so. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, hears, received, sees } = require('./fixture.js')

const LONG_MS = 60_000

/** @type {Fixture} */
let fixture
before(async () => {
  // Three cameras encoded on one small machine leave little time for heartbeats.
  fixture = await Fixture.start({ limits: { heartbeatInterval: 60_000 } })
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  const complaints = fixture.complaints.splice(0)
  assert.deepEqual(complaints, [], 'the pages had nothing to complain about')
})

const messageOf = (page, name) => page.textContent(`.tile[aria-label^="${name}"] .tile-message`)

/** A page that joins with the switch on, and the fragment of its address, which has the key. */
async function encrypting() {
  const page = await fixture.page()
  await page.goto(`${fixture.server.url}r/loom?name=Ada`)
  await page.waitForFunction(() => document.querySelector('.preview.live') !== null)
  await page.click('.switch')
  await fixture.screenshot(page, 'encrypt-join')
  await page.click('#join-button')
  await page.waitForFunction(() => globalThis.call?.joined)
  return { page, fragment: new URL(page.url()).hash }
}

test('two with the key see and hear each other, a third without it sees why it does not', async () => {
  const { page: ada, fragment } = await encrypting()
  assert.match(fragment, /^#key=[\w-]{22}$/, 'the link to pass on has a key that nobody guesses')
  const grace = await fixture.join('Grace', { fragment, colorScheme: 'dark' })
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(grace, 'Ada')])
  await grace.waitForSelector('.tile.locked:not(.withheld)[aria-label^="Ada"]')
  assert.equal(await grace.isVisible('#room-locked'), true)
  await fixture.screenshot(grace, 'encrypted-dark')

  const mallory = await fixture.join('Mallory', { camera: false })
  for (const name of ['Ada', 'Grace']) {
    await eventually(
      () => messageOf(mallory, name),
      text => text?.includes('has the key'),
      'a word about the key'
    )
  }
  const played = await mallory.evaluate(() => [...document.querySelectorAll('.tile:not(.own) video')].some(video => video.srcObject))
  assert.equal(played, false, 'neither picture nor noise')
  await fixture.screenshot(mallory, 'encrypted-without-key')
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const said = await (await fetch(new URL('/api/rooms/loom', fixture.server.url))).text()
  assert.equal(said.includes(fragment.slice('#key='.length)), false, 'the server was not told the key')
})

test('those who encrypt see who does not', async () => {
  const ada = await fixture.join('Ada', { fragment: '#key=secret' })
  await fixture.join('Mallory')
  await sees(ada, 'Mallory')
  const mark = () => ada.textContent('.tile[aria-label^="Mallory"] .tile-name em')
  await eventually(mark, text => text === 'Not encrypted', 'the mark at the tile')
})

test('with another key there is neither picture nor sound, and a word about it', async () => {
  await fixture.join('Ada', { fragment: '#key=secret' })
  const eve = await fixture.join('Eve', { fragment: '#key=another', viewport: { width: 390, height: 780 } })
  await eventually(
    () => messageOf(eve, 'Ada'),
    text => text?.includes('another key'),
    'a word about the wrong key',
    LONG_MS
  )
  const { video, audio } = await received(eve, 'Ada')
  assert.ok(!video?.framesDecoded, 'no frame was decoded')
  assert.ok(!audio?.audioLevel, 'nothing is to be heard')
  await fixture.screenshot(eve, 'encrypted-wrong-key-phone')
})

for (const codec of ['vp9', 'av1', 'h264']) {
  test(`encrypted ${codec} is seen, with the layers that the dependency descriptor tells`, async () => {
    const options = { fragment: '#key=secret', query: { codec, scalability: codec === 'vp9' ? 'L3T3_KEY' : 'L1T2' } }
    const ada = await fixture.join('Ada', options)
    const grace = await fixture.join('Grace', { ...options, viewport: { width: 900, height: 600 } })
    const video = await sees(grace, 'Ada')
    assert.equal(video.codec.toLowerCase(), codec)
    await grace.waitForSelector('.tile.locked:not(.withheld)[aria-label^="Ada"]')
    await grace.click('#figures-button')
    await eventually(
      () =>
        grace.evaluate(() => [...globalThis.call.downlink.layers.keys()].flatMap(id => globalThis.call.downlink.figures(id)?.steps ?? [])),
      steps => steps.some(step => step.temporal > 0),
      'temporal layers are told apart',
      LONG_MS
    )
    await ada.close()
  })
}

test('encryption goes on when the room switches to direct connections', async () => {
  const [ada, grace] = [await fixture.join('Ada', { fragment: '#key=secret' }), await fixture.join('Grace', { fragment: '#key=secret' })]
  await sees(grace, 'Ada')
  await ada.click('.segments [data-mode="p2p"]')
  await grace.waitForFunction(() => globalThis.call.mode === 'p2p')
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  await grace.waitForSelector('.tile.locked:not(.withheld)[aria-label^="Ada"]')
})

test('a browser that cannot encrypt says so before joining', async () => {
  const page = await fixture.page()
  await page.addInitScript(() => delete globalThis.RTCRtpScriptTransform)
  await page.goto(`${fixture.server.url}r/loom?name=Ada#key=secret`)
  await eventually(
    () => page.textContent('#join-encrypt-note'),
    text => text?.includes('cannot'),
    'the note'
  )
  assert.equal(await page.isDisabled('#join-encrypt'), true)
  assert.equal(await page.isChecked('#join-encrypt'), false)
})
