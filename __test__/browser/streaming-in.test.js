'use strict'

/** A host streams in by ffmpeg with what the page says, or names a camera, and the page shows it. */

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { after, before, test } = require('node:test')
const { createToken } = require('medialoom/auth')
const { RtspServer } = require('../support/rtsp.js')
const { Fixture, eventually, sees, tiles } = require('./fixture.js')

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg here'

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ open: false, mixer: false, inputs: { rtmpPort: 0, srtPort: 0, allowPrivate: true } })
})
after(() => fixture?.stop())

test('ffmpeg pushes to where the page says, is a tile like others, and ends when the host takes it out', { skip }, async t => {
  const token = await createToken(fixture.server.access.keys, { video: { room: 'loom', roomJoin: true, roomAdmin: true } })
  const ada = await fixture.join('Ada', { fragment: `#token=${token}` })
  await ada.click('#people-button')
  await ada.click('#encoder-button')
  await ada.fill('#encoder-name', 'Stage camera')
  await ada.click('#encoder .primary')
  await ada.waitForSelector('#encoder-fields:not([hidden])')
  const [url] = /rtmp:\S+$/.exec((await ada.textContent('#encoder-ffmpeg')) ?? '') ?? []
  assert.equal(url, `${await ada.textContent('#encoder-server')}/${await ada.textContent('#encoder-key')}`)

  const srt = await ada.textContent('#encoder-srt-ffmpeg')
  assert.ok(srt?.endsWith(`-f mpegts '${await ada.textContent('#encoder-srt-server')}'`))
  assert.match(srt ?? '', /'srt:\S+:\d+\?streamid=\S+'$/)

  const pictures = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=s=320x240:r=15',
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast'
  ]
  const coding = ['-tune', 'zerolatency', '-g', '15', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'flv']
  const encoder = spawn('ffmpeg', ['-v', 'error', ...pictures, ...coding, url], { stdio: 'ignore' })
  t.after(() => encoder.kill('SIGKILL'))
  const ended = once(encoder, 'exit')
  await eventually(
    () => tiles(ada),
    names => names.includes('Stage camera'),
    'a tile'
  )
  await sees(ada, 'Stage camera')
  await eventually(
    () => ada.textContent('#encoder-list'),
    text => /Stage camera.*RTMP, h264, opus|Stage camera.*RTMP, opus, h264/.test(text ?? ''),
    'its line'
  )
  await fixture.screenshot(ada, 'encoder')
  await ada.click('#encoder-done')
  await fixture.screenshot(ada, 'streaming-in')

  await ada.click('#people button[aria-label="Take Stage camera out of the room"]')
  await eventually(
    () => tiles(ada),
    names => !names.includes('Stage camera'),
    'no tile'
  )
  await ended
  assert.deepEqual(fixture.complaints, [], 'the page had nothing to complain about')
})

test('a camera that a host names is fetched, and one that is not there is told of', async t => {
  const camera = await RtspServer.start(t)
  const token = await createToken(fixture.server.access.keys, { video: { room: 'weft', roomJoin: true, roomAdmin: true } })
  const ada = await fixture.join('Ada', { room: 'weft', fragment: `#token=${token}` })
  await ada.click('#people-button')
  await ada.click('#encoder-button')
  await ada.fill('#encoder-name', 'Gate')
  const { url } = camera
  await ada.fill('#camera-url', url)
  await ada.click('#camera-add')
  await eventually(
    () => ada.textContent('#encoder-list'),
    text => /Gate.*RTSP/.test(text ?? ''),
    'its line'
  )
  await eventually(
    () => tiles(ada),
    names => names.includes('Gate'),
    'a tile'
  )
  await fixture.screenshot(ada, 'camera')
  await camera.stop()
  await ada.fill('#camera-url', url)
  await ada.click('#camera-add')
  await eventually(
    () => ada.textContent('#camera-error'),
    text => /The camera is not shown: no connection/.test(text ?? ''),
    'why it is not shown'
  )
})
