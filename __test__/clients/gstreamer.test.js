'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { findGStreamer } = require('../../scripts/gstreamer.js')
const { sections } = require('../support/clients/browser/suite.js')
const { GStreamerClient } = require('../support/clients/gstreamer/client.js')
const { webServer } = require('../support/clients/web.js')
const { until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const python = findGStreamer()
const missing = python ? null : 'there is none with webrtcbin and python3-gi here: see CONTRIBUTING.md'

/** webrtcbin has an RSA certificate of 2048 bits and no other. */
function check(name, run) {
  const title = `GStreamer: ${name}`
  if (missing) return test(`${title} (skipped: ${missing})`, { skip: true })
  test(title, { timeout: 60_000 }, async t => {
    const endpoint = await loopbackEndpoint(t)
    const web = await webServer(t, endpoint)
    return run(t, {
      endpoint,
      publish: (...args) => GStreamerClient.start(t, python, ['publish', `${web.url}/whip/stage`, ...args]),
      watch: () => GStreamerClient.start(t, python, ['watch', `${web.url}/whep/stage`])
    })
  })
}

/** Waits until packets of these kinds have come from the one who publishes. */
async function receives(endpoint, client, kinds) {
  // Its own state says nothing: with a refused line webrtcbin goes on waiting for that line's transport.
  await until(
    async () => {
      if (client.told.error) throw new Error(client.told.error)
      const tracks = (await endpoint.getStats()).transports.flatMap(transport => transport.incomingTracks)
      const flowing = tracks.filter(track => track.encodings.some(encoding => encoding.packetsReceived > 10))
      return kinds.every(kind => flowing.some(track => track.kind === kind))
    },
    `${kinds.join(' and ')} of GStreamer`,
    20_000
  )
}

check('publishes in one bundle and watches what is published', async (t, { endpoint, publish, watch }) => {
  const publisher = publish('max-bundle', '97', '96')
  await receives(endpoint, publisher, ['audio', 'video'])
  const viewer = watch()
  await viewer.until(({ audio, video }) => audio >= 50 && video >= 15, 'decoded sound and pictures')
})

check('publishes sound and pictures with one payload type for both', async (t, { endpoint, publish, watch }) => {
  const publisher = publish('max-bundle', '96', '96')
  await receives(endpoint, publisher, ['audio', 'video'])
  const viewer = watch()
  await viewer.until(({ audio, video }) => audio >= 50 && video >= 15, 'decoded sound and pictures')
})

check('publishes a picture without a bundle, as webrtcbin does by default', async (t, { endpoint, publish }) => {
  const publisher = publish('none', '0', '96')
  await receives(endpoint, publisher, ['video'])
  assert.doesNotMatch(publisher.told.offer, /^a=group:BUNDLE/m)
})

check('offers two lines without a bundle: the first is taken, the other refused', async (t, { endpoint, publish }) => {
  const publisher = publish('none', '97', '96')
  const { answer } = await publisher.until(told => told.answer && told, 'an answer')
  const lines = sections(answer)
  assert.equal(lines.length, 2)
  assert.doesNotMatch(lines[0], /^m=\w+ 0 /)
  assert.match(lines[1], /^m=\w+ 0 /)
  await receives(endpoint, publisher, [/^m=(\w+)/.exec(lines[0])[1]])
})
