'use strict'

/** The room page of a server that asks for tokens, opened by links. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, sees, tiles } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ open: false })
})
afterEach(() => fixture.clear())
after(() => fixture.stop())

const fragmentOf = (/** @type {string} */ link) => new URL(link).hash

test("the host's link works in two tabs, a link handed out lets a guest in, and without one nobody comes in", async () => {
  const host = fragmentOf(await fixture.server.hostLink())
  const ada = await fixture.join('Ada', { fragment: host })
  const grace = await fixture.join('Grace', { fragment: host })
  await sees(ada, 'Grace')
  await grace.close()

  const made = await fetch(new URL('/api/rooms/loom/tokens', fixture.server.url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${new URLSearchParams(host.slice(1)).get('token')}`, 'Content-Type': 'application/json' },
    body: '{}',
  })
  const linus = await fixture.join('Linus', { fragment: fragmentOf((await made.json()).url) })
  await eventually(() => tiles(linus), names => names.some(name => name.includes('Ada')), 'a tile of Ada')

  const mallory = await fixture.page()
  await mallory.goto(`${fixture.server.url}r/loom?name=Mallory`)
  await mallory.waitForFunction(() => document.querySelector('.preview.live') !== null)
  await mallory.click('#join-button')
  const said = await eventually(() => mallory.textContent('#join-error'), text => text, 'a word about why')
  assert.match(String(said), /token/)
  // The policy for contents let everything of the page through.
  assert.deepEqual(fixture.complaints, [])
})
