'use strict'

/** What hosts do on the page, and what it is like to be a guest. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { createToken } = require('medialoom/auth')
const { Fixture, eventually, hears, sees, tiles } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ open: false })
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  for (const room of [...fixture.server.rooms]) room.close()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

/** @param {string} token */
const fragment = token => `#token=${token}`
const hostToken = () =>
  createToken(fixture.server.access.keys, { video: { room: 'loom', roomJoin: true, roomCreate: true, roomAdmin: true } })
const guestToken = (more = {}) =>
  createToken(fixture.server.access.keys, { ...more, video: { room: 'loom', roomJoin: true, ...more.video } })

const host = async (options = {}) => fixture.join('Ada', { fragment: fragment(await hostToken()), ...options })
const guest = async (name, { token, ...options } = {}) =>
  fixture.join(name, { fragment: fragment(token ?? (await guestToken())), ...options })

/** A page that joins and need not get in. @param {string} name @param {string} hash */
async function knock(name, hash, options = {}) {
  const page = await fixture.page(options)
  await page.goto(`${fixture.server.url}r/loom?name=${name}${hash}`)
  await page.click('#join-button')
  return page
}

/** @param {import('playwright-core').Page} page @param {string} label */
const press = (page, label) => page.click(`#people button[aria-label="${label}"]`)

test('the link that is printed lets the host in, who hands out a link that lets a guest in', async () => {
  const link = await fixture.server.hostLink()
  const ada = await fixture.page()
  await ada.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await ada.goto(link)
  await ada.fill('#join-name', 'Ada')
  await ada.fill('#join-room', 'loom')
  await ada.click('#join-button')
  await ada.waitForFunction(() => globalThis.call?.joined)
  assert.ok(new URL(ada.url()).hash.includes('token='), 'the page can be loaded again')

  await ada.click('#copy-link')
  await ada.waitForSelector('#invite[open]')
  await fixture.screenshot(ada, 'invite')
  await ada.click('#invite .primary')
  const copied = await eventually(
    () => ada.evaluate(() => navigator.clipboard.readText()),
    text => text.includes('#token='),
    'the link'
  )
  assert.ok(!copied.includes(new URL(link).hash.slice('#token='.length)), 'not with the token of the host')
  const grace = await fixture.page()
  await grace.goto(copied)
  await grace.waitForFunction(() => document.querySelector('.preview.live') !== null)
  assert.deepEqual([await grace.inputValue('#join-room'), await grace.getAttribute('#join-room', 'readonly')], ['loom', ''])
  await grace.fill('#join-name', 'Grace')
  await grace.click('#join-button')
  await grace.waitForFunction(() => globalThis.call?.joined)
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  assert.equal(await grace.isDisabled('.segments [data-mode="mcu"]'), true, 'the mode is for hosts')
  await grace.click('#people-button')
  assert.equal(await grace.isVisible('#host-controls'), false)
  assert.equal(await grace.locator('#people-list button').count(), 0)
})

test('without a token the door stays shut, and says what to do', async () => {
  await host()
  const page = await knock('Mallory', '')
  await page.waitForSelector('#farewell:not([hidden])')
  assert.match(await page.textContent('#farewell'), /does not open the room.*Ask a host/s)
  await fixture.screenshot(page, 'no-token')
})

test('a host mutes a guest for everyone; allowed again, the guest switches the microphone on', async () => {
  const [ada, grace] = [await host({ camera: false }), await guest('Grace', { camera: false })]
  const linus = await guest('Linus', { camera: false })
  await hears(linus, 'Grace')
  await ada.click('#people-button')
  await press(ada, 'Mute Grace')
  for (const page of [ada, linus]) await page.waitForSelector('.tile.muted[aria-label^="Grace"]')
  await grace.waitForSelector('#mic-button[aria-pressed="false"]')
  await grace.click('#mic-button')
  await grace.locator('.notice', { hasText: 'A host switched your microphone off' }).first().waitFor()
  assert.equal(await grace.getAttribute('#mic-button', 'aria-pressed'), 'false')
  await fixture.screenshot(ada, 'people')

  await press(ada, 'Let Grace speak again')
  await grace.locator('.notice', { hasText: 'You may use your microphone again' }).first().waitFor()
  assert.equal(await grace.getAttribute('#mic-button', 'aria-pressed'), 'false', 'not by itself')
  await grace.click('#mic-button')
  await linus.waitForSelector('.tile:not(.muted)[aria-label^="Grace"]')
  await hears(linus, 'Grace')
})

test('a raised hand is at the tile, at the top of the list and at the button of hosts', async () => {
  const [ada, grace] = [await host(), await guest('Grace', { camera: false })]
  await ada.click('#people-button')
  await grace.click('#hand-button')
  await ada.waitForSelector('.tile.raised[aria-label^="Grace"]')
  await grace.waitForSelector('#hand-button[aria-pressed="true"]')
  const [first] = await ada.$$eval('#people-list li', lines => lines.map(line => line.getAttribute('aria-label')))
  assert.equal(first, 'Grace, hand raised')
  assert.equal(await ada.textContent('#people-badge'), '1')
  await grace.keyboard.press('h')
  await ada.waitForSelector('.tile:not(.raised)[aria-label^="Grace"]')
})

test('who is taken out sees it at once, with the reason, and is gone for the others', async () => {
  const [ada, grace] = [await host(), await guest('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  await ada.click('#people-button')
  await press(ada, 'Take Grace out of the room')
  await grace.waitForSelector('#farewell:not([hidden])')
  assert.equal(await grace.textContent('#farewell-title'), 'You were taken out of the room')
  assert.equal(await grace.isVisible('#room'), false)
  assert.deepEqual(await grace.evaluate(() => globalThis.call.media.camera.getTracks().length), 0, 'camera and microphone are let go of')
  await fixture.screenshot(grace, 'kicked')
  await eventually(
    () => tiles(ada),
    names => names.join() === 'Ada (you)',
    'the tile is gone'
  )
  await grace.click('#farewell-again')
  await grace.waitForSelector('#join-button')
})

test('in a room with a lobby guests wait until a host lets them in, or turns them away', async () => {
  const ada = await host()
  await ada.click('#people-button')
  await ada.click('#host-controls label:has(#room-lobby)')
  await ada.waitForFunction(() => globalThis.call.lobby)
  const token = await guestToken()
  const [grace, linus] = [
    await knock('Grace', fragment(token)),
    await knock('Linus', fragment(token), { viewport: { width: 390, height: 780 } })
  ]
  for (const page of [grace, linus]) await page.waitForSelector('#join-waiting:not([hidden])')
  await fixture.screenshot(grace, 'waiting')
  await fixture.screenshot(linus, 'waiting-phone')
  await ada.waitForSelector('#waiting-list li:nth-child(2)')
  assert.equal(await ada.textContent('#people-badge'), '2')
  await fixture.screenshot(ada, 'lobby')
  await press(ada, 'Let Grace in')
  await grace.waitForFunction(() => globalThis.call.joined)
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  await press(ada, 'Turn Linus away')
  await linus.waitForSelector('#farewell:not([hidden])')
  assert.equal(await linus.textContent('#farewell-title'), 'You were not let in')
  await eventually(
    () => ada.isVisible('#people-waiting'),
    visible => !visible,
    'nobody waits'
  )
})

test('a locked room lets nobody new in, and everybody sees that it is', async () => {
  const [ada, grace] = [await host(), await guest('Grace', { camera: false })]
  await ada.click('#people-button')
  await ada.click('#host-controls label:has(#room-lock)')
  await grace.waitForSelector('#room-closed:not([hidden])')
  const linus = await knock('Linus', fragment(await guestToken()))
  await linus.waitForSelector('#farewell:not([hidden])')
  assert.equal(await linus.textContent('#farewell-title'), 'The room is locked')
  await ada.click('#host-controls label:has(#room-lock)')
  await eventually(
    () => grace.isVisible('#room-closed'),
    visible => !visible,
    'open again'
  )
  await linus.click('#farewell-again')
  await linus.waitForFunction(() => document.querySelector('.preview.live') !== null)
  await linus.click('#join-button')
  await linus.waitForFunction(() => globalThis.call?.joined)
})

test('one identity is in a room once: the page that came first says so', async () => {
  const token = await guestToken({ identity: 'grace@example.org', name: 'Grace Hopper' })
  const first = await guest('Somebody', { token, camera: false })
  assert.deepEqual(await tiles(first), ['Grace Hopper (you)'], 'the token has the name')
  const second = await guest('Somebody', { token, camera: false })
  await first.waitForSelector('#farewell:not([hidden])')
  assert.equal(await first.textContent('#farewell-title'), 'You are in the room somewhere else')
  assert.equal(await second.evaluate(() => globalThis.call.participants.size), 1)
})

test('who may not send has nothing to press, and who may only speak only a microphone', async () => {
  const listens = await knock('Grace', fragment(await guestToken({ video: { canPublish: false } })), {
    viewport: { width: 390, height: 780 }
  })
  await listens.waitForFunction(() => globalThis.call?.joined)
  assert.equal(await listens.evaluate(() => globalThis.call.media.camera.getTracks().length), 0, 'no camera was asked for')
  const shown = page =>
    page.$$eval('.dock button', buttons => buttons.filter(button => !button.hidden).map(button => button.id.replace('-button', '')))
  const forNobody = await shown(listens)
  assert.deepEqual(
    ['mic', 'camera', 'screen', 'devices'].filter(name => forNobody.includes(name)),
    []
  )
  const overflow = await listens.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(overflow <= 0, 'nothing sticks out of the screen')
  const speaks = await guest('Linus', { token: await guestToken({ video: { canPublishSources: ['microphone'] } }) })
  const speech = await shown(speaks)
  assert.deepEqual(
    ['mic', 'camera', 'screen'].filter(name => speech.includes(name)),
    ['mic']
  )
  await hears(listens, 'Linus')
  assert.equal(
    await speaks.evaluate(() =>
      globalThis.peerConnections
        .at(-1)
        .getSenders()
        .some(({ track }) => track?.kind === 'video')
    ),
    false
  )
})
