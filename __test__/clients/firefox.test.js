'use strict'

const assert = require('node:assert/strict')
const { browserSuite, browserTest, sections, withBrowser } = require('../support/clients/browser/suite.js')
const { BrowserPeer, SOME, arrives } = require('../support/clients/browser/browser-peer.js')
const { firefox } = require('../support/clients/browser/launch.js')

const meet = withBrowser(firefox)
browserSuite(firefox, meet)

// Firefox offers such a line with port 0 and without a=mid (RFC 8829 5.10).
browserTest(firefox, 'a line that was given up before it was ever sent is refused in its place', async t => {
  const { endpoint, page } = await meet(t)
  const transport = endpoint.createTransport()
  const peer = await BrowserPeer.open(t, page, 'publisher')
  for (const kind of ['audio', 'video', 'video']) await peer.call('send', kind)
  await peer.call('draftOffer')
  await peer.call('stop', 1)
  const { offered, answered } = await peer.offerTo(transport)
  assert.match(sections(offered)[1], /^m=video 0 (?![^]*^a=mid)/m)
  assert.equal(sections(answered).length, 3)
  assert.match(sections(answered)[1], /^m=video 0 /)
  assert.deepEqual(
    transport.incomingTracks.map(track => track.kind),
    ['audio', 'video']
  )
  await arrives(transport, SOME, 'media of the lines that are left')
})
