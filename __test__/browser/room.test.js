'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, hears, received, sees, tiles } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start()
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  const complaints = fixture.complaints.splice(0)
  assert.deepEqual(complaints, [], 'the pages had nothing to complain about')
})

test('two tabs see moving video and hear sound through the server, know who speaks, and chat', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(ada, 'Grace'), hears(grace, 'Ada')])
  assert.equal(await ada.evaluate(() => globalThis.call.state), 'connected')
  assert.deepEqual(await tiles(ada), ['Ada (you)', 'Grace'])
  assert.match(await ada.textContent('#mode-text'), /Through the server · 2 here/)

  await grace.waitForSelector('.tile.speaking[aria-label^="Ada"]')
  await ada.click('#mic-button')
  await grace.waitForSelector('.tile.muted:not(.speaking)[aria-label^="Ada"]')
  await ada.click('#camera-button')
  await grace.waitForSelector('.tile.dark[aria-label^="Ada"]')
  await fixture.screenshot(grace, 'camera-off')
  await ada.click('#camera-button')
  await grace.waitForSelector('.tile:not(.dark)[aria-label^="Ada"]')
  await sees(grace, 'Ada')

  await ada.click('#chat-button')
  await ada.fill('#chat-input', 'Hello <b>Grace</b>')
  await ada.press('#chat-input', 'Enter')
  await grace.waitForSelector('#unread:not([hidden])')
  await grace.click('#chat-button')
  await eventually(
    () => grace.textContent('#chat-lines'),
    lines => lines?.includes('Hello <b>Grace</b>'),
    'the chat message'
  )
  await grace.fill('#chat-input', 'Good morning, Ada')
  await grace.press('#chat-input', 'Enter')
  await eventually(
    () => ada.textContent('#chat-lines'),
    lines => lines?.includes('Good morning, Ada'),
    'the reply'
  )
  await ada.click('#figures-button')
  await ada.waitForFunction(() => /kbit\/s|Mbit\/s/.test(document.querySelectorAll('.tile-stats')[1]?.textContent ?? ''))
  await fixture.screenshot(ada, 'room-sfu')

  await grace.click('#leave-button')
  await eventually(
    () => tiles(ada),
    names => names.length === 1,
    'the tile is gone with its owner'
  )
  await grace.waitForSelector('#join:not([hidden])')
})

test('simulcast: the encoding shown can be chosen, and the picture goes on', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace')
  await sees(grace, 'Ada')
  const sent = await eventually(
    () => ada.evaluate(async () => [...(await globalThis.call.figures()).values()].find(each => each.sent && each.kind === 'video')),
    figures => (figures?.encodings?.filter(encoding => encoding.bitrate > 0).length ?? 0) >= 2,
    'at least two encodings are sent'
  )
  const tile = grace.locator('.tile[aria-label^="Ada"]')
  await tile.hover()
  await tile.locator('.tile-open').click()
  await tile.locator('.encodings button').first().waitFor()
  assert.deepEqual(await tile.locator('.encodings button').allTextContents(), ['Auto', 'Low', 'Mid', 'High'])

  const widths = []
  for (const rid of ['q', 'h', 'q']) {
    if (!sent.encodings.some(encoding => encoding.rid === rid)) continue
    await tile.locator(`[data-encoding="${rid}"]`).click()
    await eventually(
      () => grace.evaluate(() => [...globalThis.call.downlink.encodings.values()].map(each => [each.selected, each.current])),
      ([[selected, current]]) => selected === rid && current === rid,
      `the switch to ${rid}`
    )
    const video = await sees(grace, 'Ada')
    widths.push(video.width)
    await fixture.screenshot(grace, `encoding-${rid}`)
  }
  assert.equal(await tile.locator('.tile-name em').textContent(), 'Low')
  const [low, middle] = widths
  await eventually(
    () => received(grace, 'Ada'),
    now => now.video.width <= low,
    'the small picture again'
  )
  assert.ok(middle === undefined || middle > low, `h (${middle}) is larger than q (${low})`)
})

test('a shared screen is a tile of its own, and goes when sharing ends', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace')
  await sees(grace, 'Ada')
  await ada.click('#screen-button')
  await sees(grace, 'Ada', 'screen')
  await sees(grace, 'Ada')
  assert.ok((await tiles(grace)).includes('Ada – screen'))
  await fixture.screenshot(grace, 'screen-share')

  // Whoever comes later sees it as well.
  const linus = await fixture.join('Linus')
  await sees(linus, 'Ada', 'screen')
  await ada.click('#screen-button')
  await eventually(
    () => tiles(grace),
    names => !names.includes('Ada – screen'),
    'the screen is gone'
  )
  await sees(grace, 'Ada')
  await ada.click('#screen-button')
  await sees(grace, 'Ada', 'screen')
})

test('both sides offering at once, again and again, ends in agreement', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  // Each click makes its page offer, and the server offer to the other one.
  for (let round = 0; round < 5; round += 1) await Promise.all([ada, grace].map(page => page.click('#screen-button')))
  await Promise.all([sees(ada, 'Grace', 'screen'), sees(grace, 'Ada', 'screen')])
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  assert.deepEqual(await ada.evaluate(() => globalThis.peerConnections.length), 1, 'in one connection')
  await fixture.screenshot(grace, 'two-screens')
})

test('someone without camera and microphone can join, watch and chat, on a phone', async () => {
  const ada = await fixture.join('Ada')
  const page = await fixture.page({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true })
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException('no', 'NotAllowedError')
    }
  })
  await page.goto(`${fixture.server.url}r/loom?name=Guest`)
  await eventually(
    () => page.textContent('#preview-note'),
    note => note?.includes('not allowed'),
    'a kind word'
  )
  await fixture.screenshot(page, 'join-phone')
  await page.click('#join-button')
  await page.waitForFunction(() => globalThis.call?.joined)
  await Promise.all([sees(page, 'Ada'), hears(page, 'Ada')])
  await ada.waitForSelector('.tile.dark.muted[aria-label^="Guest"]')
  await page.click('#chat-button')
  await page.fill('#chat-input', 'I can only write')
  await page.press('#chat-input', 'Enter')
  await eventually(
    () => ada.textContent('#chat-lines'),
    lines => lines?.includes('I can only write'),
    'the chat message'
  )
  await page.click('#chat-close')
  await fixture.screenshot(page, 'room-phone')
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(overflow <= 0, 'nothing sticks out of the screen')
})

test('the room can be used by keyboard alone', async () => {
  const page = await fixture.page()
  await page.goto(`${fixture.server.url}r/loom`)
  await page.waitForFunction(() => document.querySelector('.preview.live') !== null)
  await page.focus('#join-name')
  await page.keyboard.type('Ada')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => globalThis.call?.joined)
  await page.keyboard.press('m')
  await page.waitForSelector('#mic-button[aria-pressed="false"]')
  await page.keyboard.press('c')
  await page.waitForSelector('#chat:not([hidden])')
  await page.keyboard.type('m')
  assert.equal(await page.inputValue('#chat-input'), 'm', 'keys are text while one writes')
  assert.equal(await page.getAttribute('#mic-button', 'aria-pressed'), 'false')
  const nameless = await page.$$eval('button', buttons =>
    buttons.filter(button => !(button.getAttribute('aria-label') || button.textContent?.trim())).map(button => button.id)
  )
  assert.deepEqual(nameless, [])
})
