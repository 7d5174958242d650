'use strict'

/** The page for whoever looks after all rooms of the server. */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { createToken } = require('medialoom/auth')
const { Fixture } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ open: false, mixer: false })
})
after(() => fixture.stop())

/** @param {object} video @param {object} [more] */
const token = (video, more = {}) => createToken(fixture.server.access.keys, { ...more, video })

test('an admin sees who is in which room, mutes, bans at the second tap and takes the ban back', async () => {
  const grace = await fixture.join('Grace', {
    fragment: `#token=${await token({ room: 'loom', roomJoin: true }, { identity: 'grace' })}`,
    camera: false
  })
  const admin = await fixture.page()
  await admin.goto(`${fixture.server.url}admin`)
  await admin.fill('#token', await token({ room: '*', roomList: true, roomAdmin: true }))
  await admin.press('#token', 'Enter')

  await admin.click('button[aria-label="Mute Grace"]')
  await grace.waitForSelector('#mic-button[aria-pressed="false"]')
  await admin.waitForSelector('button[aria-label="Mute Grace"][aria-pressed="true"]')
  await admin.click('button[aria-label="Lock the room loom"]')
  await grace.waitForSelector('#room-closed:not([hidden])')
  await fixture.screenshot(admin, 'admin')

  // Who is banned is known by the room for as long as somebody is in it.
  await fixture.join('Ada', { fragment: `#token=${await token({ room: 'loom', roomJoin: true, roomAdmin: true })}`, camera: false })
  // Both taps at once: the doubt is over in four seconds, and a busy machine may take longer for two clicks.
  const asked = await admin.$eval('button[aria-label="Ban Grace"]', button => {
    button.click()
    const label = button.getAttribute('aria-label')
    button.click()
    return label
  })
  assert.equal(asked, 'Ban Grace for good', 'asked again')
  await grace.waitForSelector('#farewell:not([hidden])')
  await admin.click('button[aria-label="Take the ban of grace back"]')
  await admin.waitForSelector('button[aria-label="Take the ban of grace back"]', { state: 'detached' })
  assert.deepEqual(
    fixture.complaints.filter(text => !/401/.test(text)),
    []
  )
})
