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
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

test('mode p2p: two tabs see and hear each other without the server, speak and chat; a third makes a mesh', async () => {
  const [ada, grace] = [await fixture.join('Ada', { mode: 'p2p' }), await fixture.join('Grace', { mode: 'p2p' })]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(ada, 'Grace'), hears(grace, 'Ada')])
  assert.equal(fixture.server.endpoint.transports.length, 0, 'no media passes the server')
  assert.equal(await ada.textContent('#mode-text'), 'Direct · 1-to-1')
  await grace.waitForSelector('.tile.speaking[aria-label^="Ada"]')

  await ada.click('#chat-button')
  await ada.fill('#chat-input', 'Straight to you')
  await ada.press('#chat-input', 'Enter')
  await grace.click('#chat-button')
  await eventually(
    () => grace.textContent('#chat-lines'),
    lines => lines?.includes('Straight to you'),
    'the chat message'
  )

  const linus = await fixture.join('Linus', { mode: 'p2p' })
  await Promise.all([sees(linus, 'Ada'), sees(linus, 'Grace'), sees(ada, 'Linus'), sees(grace, 'Linus')])
  assert.equal(await ada.textContent('#mode-text'), 'Direct · mesh of 3')
  await ada.click('#screen-button')
  await Promise.all([sees(linus, 'Ada', 'screen'), sees(grace, 'Ada', 'screen')])
  await fixture.screenshot(linus, 'mesh')
  await linus.click('#leave-button')
  await eventually(
    () => tiles(ada),
    names => !names.includes('Linus'),
    'the tile is gone with its owner'
  )
  await sees(ada, 'Grace')
})

test('the mode of a room is switched live, for everyone and back', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])

  await ada.click('.segments [data-mode="p2p"]')
  await eventually(
    () => grace.textContent('#mode-text'),
    text => text === 'Direct · 1-to-1',
    'the other tab shows the mode'
  )
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(grace, 'Ada')])
  assert.equal(fixture.server.endpoint.transports.length, 0)
  await fixture.screenshot(grace, 'room-p2p')

  await grace.click('.segments [data-mode="sfu"]')
  await eventually(
    () => ada.textContent('#mode-text'),
    text => text?.startsWith('Through the server'),
    'the other tab shows the mode'
  )
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(ada, 'Grace')])
  assert.equal(fixture.server.endpoint.transports.length, 2)
})
