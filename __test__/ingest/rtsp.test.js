'use strict'

/** Cameras as gst-rtsp-server has them are fetched by RTSP, and browsers watch. */

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { findRtspServer } = require('../../scripts/gstreamer.js')
const { chromium } = require('../support/clients/browser/launch.js')
const { browserTest, withBrowser } = require('../support/clients/browser/suite.js')
const { BrowserPeer } = require('../support/clients/browser/browser-peer.js')
const { nextEvent, until } = require('../support/events.js')
const { run } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const SCRIPT = path.join(__dirname, '../support/ingest/rtsp-server.py')
const PYTHON = findRtspServer()
const missing = PYTHON ? null : 'there is no gst-rtsp-server with its Python module here'

const PICTURES =
  'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15'
/** Parameter sets stand in the description and nowhere else. */
const H264 = `${PICTURES} ! video/x-h264,profile=main ! rtph264pay config-interval=0 name=pay0 pt=96`
const H265 =
  'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph265pay name=pay0 pt=96'
const AAC = 'audiotestsrc is-live=true ! audio/x-raw,rate=44100,channels=2 ! voaacenc ! rtpmp4gpay name=pay1 pt=97'
const PCMA = 'audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8'
const ME = { user: 'me', password: 'word' }

/** Starts a server; gives its URL and the process. */
async function serving(t, launch, options = {}) {
  const told = run(t, PYTHON, [SCRIPT, JSON.stringify({ mounts: { '/live': launch }, ...options })])
  await until(
    () => {
      assert.equal(told.child.exitCode, null, told.text)
      return /^\d+$/m.test(told.text)
    },
    'a port of gst-rtsp-server',
    20_000
  )
  const port = Number(/^\d+$/m.exec(told.text)[0])
  return { url: `rtsp://127.0.0.1:${port}/live`, port, told }
}

/** Waits until both kinds come. */
async function flowing(input) {
  await until(
    async () => {
      const { tracks, transcoded } = await input.getStats()
      const came = tracks.filter(({ encodings }) => encodings[0]?.packetsReceived > 10).length + (transcoded?.frames > 10 ? 1 : 0)
      return came === input.tracks.length
    },
    'pictures and sound',
    20_000
  )
}

function check(name, body) {
  const title = `gst-rtsp-server: ${name}`
  if (missing) return test(`${title} (skipped: ${missing})`, { skip: true })
  test(title, { timeout: 90_000 }, body)
}

const meet = withBrowser(chromium)
for (const [transport, sound] of [
  ['tcp', AAC],
  ['udp', PCMA]
]) {
  const title = `a camera's picture and sound that come by ${transport} behind Digest are seen and heard, and again after it vanished`
  if (missing) test(`${title} (skipped: ${missing})`, { skip: true })
  else {
    browserTest(chromium, title, async t => {
      const { endpoint, page } = await meet(t)
      const launch = `( ${H264} ${sound} )`
      const camera = await serving(t, launch, { ...ME, protocol: transport })
      const input = await endpoint.pullRtsp(camera.url, {
        ...ME,
        allowPrivate: true,
        transport: transport === 'udp' ? 'auto' : transport,
        reconnect: { delay: 100, maxDelay: 500 }
      })
      assert.equal((await input.getStats()).transport, transport)
      const watching = endpoint.createTransport()
      const stream = watching.createOutgoingStream({ audio: 1, video: 1 })
      for (const track of input.tracks) stream[track.kind][0].attachTo(track)
      const viewer = await BrowserPeer.open(t, page, 'viewer')
      await viewer.answerTo(watching)
      await viewer.decodes({ frames: 10, soundPackets: 25 }, 'what the camera sends')
      await until(async () => (await viewer.call('received')).audible, 'sound that is not silence')
      const { tracks } = input
      const [gone, back] = ['reconnecting', 'connected'].map(name => nextEvent(input, name, 30_000))
      camera.told.child.kill('SIGKILL')
      await gone
      await camera.told.ended
      await serving(t, launch, { ...ME, protocol: transport, port: camera.port })
      await back
      assert.deepEqual(input.tracks, tracks)
      await viewer.decodes({ frames: 10, soundPackets: 25 }, 'what the camera sends after it came back')
    })
  }
}

check('H265 and AAC are taken by UDP, and the reports of both keep them in step', async t => {
  const { url } = await serving(t, `( ${H265} ${AAC} )`)
  const endpoint = await loopbackEndpoint(t)
  const input = await endpoint.pullRtsp(url, { allowPrivate: true, transport: 'udp' })
  assert.deepEqual(input.tracks.map(({ kind, codecs }) => [kind, codecs[0]]).sort(), [
    ['audio', 'opus'],
    ['video', 'h265']
  ])
  await flowing(input)
  await input.close()
})

check('a password by Basic, a wrong one and a stream that is not there', async t => {
  const { url } = await serving(t, `( ${PCMA.replace('pay1', 'pay0')} )`, { ...ME, scheme: 'basic' })
  const endpoint = await loopbackEndpoint(t)
  const options = { allowPrivate: true }
  const input = await endpoint.pullRtsp(url, { ...options, ...ME })
  assert.deepEqual(
    input.tracks.map(({ codecs }) => codecs[0]),
    ['pcma']
  )
  await flowing(input)
  await assert.rejects(endpoint.pullRtsp(url, { ...options, ...ME, password: 'other' }), { code: 'ERR_UNAUTHORIZED' })
  await assert.rejects(endpoint.pullRtsp(`${url}/none`, { ...options, ...ME }), { code: 'ERR_IO', message: /404/ })
})
