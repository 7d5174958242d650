'use strict'

/** What browsers see of a mix: the canvas of four, names and all, and clients that share no codec. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, sees, tiles } = require('./fixture.js')

/** Cameras of one colour each, with a white square that goes from side to side. */
const COLORS = { Ada: [200, 40, 40], Grace: [40, 170, 60], Linus: [50, 80, 210], Alan: [200, 170, 40] }
/** How far a channel may be off, after two encoders. */
const CLOSE = 50
/** The grid of four: in what parts of the canvas each tile has its picture and its name. */
const QUADRANTS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1]
]

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start()
})
after(() => fixture.stop())
afterEach(async () => {
  await fixture.clear()
  for (const room of [...fixture.server.rooms]) room.close()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

/** Gives a page cameras and players of its own. @param {import('playwright-core').Page} page */
async function prepare(page) {
  await page.addInitScript(colors => {
    globalThis.cameraOf = (name, scale = 1) => {
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width: 320 * scale, height: 180 * scale })
      const context = canvas.getContext('2d')
      context.scale(scale, scale)
      let step = 0
      setInterval(() => {
        context.fillStyle = `rgb(${colors[name]})`
        context.fillRect(0, 0, 320, 180)
        context.fillStyle = '#fff'
        context.fillRect(140 + 100 * Math.sin(step++ / 6), 50, 40, 40)
      }, 50)
      const stream = canvas.captureStream(20)
      const audio = new AudioContext()
      const sound = audio.createMediaStreamDestination()
      const oscillator = audio.createOscillator()
      oscillator.connect(sound)
      oscillator.start()
      stream.addTrack(sound.stream.getAudioTracks()[0])
      return stream
    }
    const only = codec => RTCRtpReceiver.getCapabilities('video').codecs.filter(each => [codec, 'video/rtx'].includes(each.mimeType))
    /** By WHIP. */
    globalThis.publish = async (url, name, { codec, scale, scalabilityMode } = {}) => {
      const peer = new RTCPeerConnection()
      const stream = globalThis.cameraOf(name, scale)
      for (const track of stream.getTracks()) {
        const sendEncodings = track.kind === 'video' && scalabilityMode ? [{ scalabilityMode }] : []
        const transceiver = peer.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings })
        if (codec && track.kind === 'video') transceiver.setCodecPreferences(only(codec))
      }
      await globalThis.offerTo(url, peer)
    }
    /** By WHEP, into `globalThis.video`. */
    globalThis.play = async (url, codec) => {
      const peer = (globalThis.player = new RTCPeerConnection())
      const received = ['audio', 'video'].map(kind => {
        const transceiver = peer.addTransceiver(kind, { direction: 'recvonly' })
        if (codec && kind === 'video') transceiver.setCodecPreferences(only(codec))
        return transceiver.receiver.track
      })
      const video = document.createElement('video')
      globalThis.video = Object.assign(video, { srcObject: new MediaStream(received), muted: true })
      await globalThis.offerTo(url, peer)
      void video.play().catch(() => {})
    }
    /** The codec of the video that comes, and how many frames of it were decoded. */
    globalThis.received = async () => {
      const report = await globalThis.player.getStats()
      const [video] = [...report.values()].filter(stat => stat.type === 'inbound-rtp' && stat.kind === 'video')
      return { codec: report.get(video?.codecId)?.mimeType ?? null, frames: video?.framesDecoded ?? 0 }
    }
    /**
     * Of each part of a video, in parts of its width and height: the mean colour, and how many
     * pixels are white in each of its columns.
     */
    globalThis.look = (video, parts) => {
      const { videoWidth: width, videoHeight: height } = video
      if (!width) return null
      const canvas = new OffscreenCanvas(width, height)
      const context = canvas.getContext('2d', { willReadFrequently: true })
      context.drawImage(video, 0, 0)
      return parts.map(([x, y, w, h]) => {
        const { data, width: columns } = context.getImageData(x * width, y * height, w * width, h * height)
        const mean = [0, 0, 0]
        const white = new Array(columns).fill(0)
        for (let at = 0; at < data.length; at += 4) {
          if (Math.min(data[at], data[at + 1], data[at + 2]) > 140) white[(at / 4) % columns]++
          for (let channel = 0; channel < 3; channel++) mean[channel] += data[at + channel]
        }
        return { mean: mean.map(sum => Math.round(sum / (data.length / 4))), white }
      })
    }
  }, COLORS)
}

const blank = () => fixture.blankPage(prepare)

/** @param {import('playwright-core').Page} page */
const look = (page, parts, selector) =>
  page.evaluate(
    ([wanted, from]) => globalThis.look(from ? document.querySelector(from) : globalThis.video, wanted),
    [parts, selector ?? null]
  )

const isClose = (mean, color) => mean.every((value, channel) => Math.abs(value - color[channel]) < CLOSE)

/** Passes when the video shows these four in a grid, moving, each with a name of its own. */
async function showsFour(page, names, selector) {
  // Below the square and above the name; where the square goes; the lower left corner.
  const colors = QUADRANTS.map(([x, y]) => [x / 2 + 0.15, y / 2 + 0.29, 0.3, 0.06])
  const squares = QUADRANTS.map(([x, y]) => [x / 2 + 0.05, y / 2 + 0.12, 0.4, 0.14])
  const labels = QUADRANTS.map(([x, y]) => [x / 2 + 0.01, y / 2 + 0.4, 0.2, 0.09])
  await eventually(
    () => look(page, colors, selector),
    seen => seen?.every(({ mean }, index) => isClose(mean, COLORS[names[index]])),
    `the colours of ${names} in a grid`
  )
  const places = QUADRANTS.map(() => new Set())
  await eventually(
    async () => {
      const seen = await look(page, squares, selector)
      seen.forEach(({ white }, index) => places[index].add(white.findIndex(count => count > 10)))
      return places.map(each => each.size)
    },
    moves => moves.every(count => count > 3),
    'a square that moves in every tile'
  )
  const sum = counts => counts.reduce((total, count) => total + count, 0)
  // How much is written in each tile, and how far that is from what is written in the others.
  await eventually(
    async () => {
      const written = (await look(page, labels, selector)).map(({ white }) => white)
      const difference = (one, other) => sum(one.map((count, column) => Math.abs(count - other[column])))
      const differences = written.map((one, index) =>
        Math.min(...written.filter((_, at) => at !== index).map(other => difference(one, other)))
      )
      return { written: written.map(sum), differences }
    },
    ({ written, differences }) => written.every((count, index) => count > 30 && differences[index] > count / 4),
    'another name in every tile'
  )
}

test('a canvas of four senders: by WHEP while others are forwarded, then for everyone, and back', async () => {
  const ada = await fixture.join('Ada', {
    async prepare(page) {
      await prepare(page)
      await page.addInitScript(() => {
        navigator.mediaDevices.getUserMedia = async () => globalThis.cameraOf('Ada')
      })
    }
  })
  const publishers = await blank()
  for (const name of ['Grace', 'Linus', 'Alan']) {
    await publishers.evaluate(peer => globalThis.publish(`/whip/loom?peer=${peer}`, peer), name)
  }
  const names = ['Ada', 'Grace', 'Linus', 'Alan']
  const player = await blank()
  await player.evaluate(() => globalThis.play('/whep/loom?source=mix'))
  await Promise.all([sees(ada, 'Grace'), sees(ada, 'Alan')])
  assert.deepEqual(await tiles(ada), ['Ada (you)', 'Grace', 'Linus', 'Alan'])
  await showsFour(player, names)

  await ada.click('.segments [data-mode="mcu"]')
  await ada.waitForSelector('.tile.mix:not(.dark)')
  assert.equal(await ada.locator('.tile').count(), 1, 'one large tile')
  await showsFour(ada, names, '.tile.mix video')
  await fixture.screenshot(ada, 'mixed')
  await ada.click('[data-layout="sidebar"]')
  const { mixer } = fixture.server.rooms.get('loom')
  await eventually(
    () => mixer.layout,
    layout => layout === 'sidebar',
    'the layout'
  )
  await ada.setViewportSize({ width: 390, height: 780 })
  // The tile takes a moment to its new place.
  await ada.waitForTimeout(400)
  await fixture.screenshot(ada, 'mixed-phone')

  await ada.click('#mix-button')
  await Promise.all([sees(ada, 'Grace'), sees(ada, 'Linus')])
  assert.equal(fixture.server.rooms.get('loom').mode, 'mcu', 'of this page alone')
  assert.equal(await ada.evaluate(() => globalThis.peerConnections.length), 1, 'all of it over one connection')
})

test('clients of H264 only and of VP8 only meet in one room', async () => {
  const codecs = { Ada: 'video/H264', Grace: 'video/VP8' }
  await fixture.server.rooms.join('loom', { name: 'Keeper', mode: 'mcu', role: 'listener' })
  const pages = {}
  for (const [name, codec] of Object.entries(codecs)) {
    const page = (pages[name] = await blank())
    await page.evaluate(
      async ([peer, mime]) => {
        await globalThis.publish(`/whip/loom?peer=${peer}`, peer, { codec: mime })
        await globalThis.play(`/whep/loom?peer=${peer}`, mime)
      },
      [name, codec]
    )
  }
  // Two side by side: each in the middle of its half.
  const halves = [
    [0.1, 0.58, 0.3, 0.06],
    [0.6, 0.58, 0.3, 0.06]
  ]
  for (const [name, codec] of Object.entries(codecs)) {
    await eventually(
      () => look(pages[name], halves),
      seen => seen && isClose(seen[0].mean, COLORS.Ada) && isClose(seen[1].mean, COLORS.Grace),
      `${name} sees both`
    )
    const { frames } = await pages[name].evaluate(() => globalThis.received())
    const received = () => pages[name].evaluate(() => globalThis.received())
    const later = await eventually(received, now => now.frames > frames + 5, 'it moves')
    assert.equal(later.codec, codec)
  }
})

test('senders of four codecs on one canvas, one of them in layers of which the tile takes the smaller', async () => {
  await fixture.server.rooms.join('loom', { name: 'Keeper', mode: 'mcu', role: 'listener' })
  const cameras = {
    Ada: { codec: 'video/VP8' },
    Grace: { codec: 'video/VP9' },
    Linus: { codec: 'video/H264' },
    Alan: { codec: 'video/AV1', scale: 4, scalabilityMode: 'L2T1' }
  }
  const publishers = await blank()
  for (const [name, camera] of Object.entries(cameras)) {
    await publishers.evaluate(([peer, options]) => globalThis.publish(`/whip/loom?peer=${peer}`, peer, options), [name, camera])
  }
  const player = await blank()
  await player.evaluate(() => globalThis.play('/whep/loom?source=mix'))
  await showsFour(player, Object.keys(cameras))
  const { ports } = await fixture.server.rooms.get('loom').mixer.getStats()
  const sizes = ports.filter(port => port.framesDecoded).map(port => `${port.frameWidth}x${port.frameHeight}`)
  assert.deepEqual(sizes.sort(), ['320x180', '320x180', '320x180', '640x360'], 'of 1280x720 the lower layer')
})

test('broadcast: a listener gets the mix without being asked for a camera, and goes on stage', async () => {
  const ada = await fixture.join('Ada', { mode: 'broadcast' })
  const listener = await fixture.page({ viewport: { width: 390, height: 780 }, colorScheme: 'dark', hasTouch: true })
  await listener.goto(`${fixture.server.url}r/loom?name=Linus&role=listener`)
  await listener.click('#join-button')
  await listener.waitForSelector('.tile.mix:not(.dark)')
  assert.equal(await listener.evaluate(() => globalThis.call.media.camera.getTracks().length), 0)
  assert.equal(await listener.isVisible('#mic-button'), false)
  const counted = 'Broadcast · 1 on stage · 1 listening'
  await eventually(
    () => ada.textContent('#mode-text'),
    text => text === counted,
    'the listener is counted'
  )
  await fixture.screenshot(listener, 'listener')

  await listener.click('#stage-button')
  await Promise.all([sees(ada, 'Linus'), sees(listener, 'Ada')])
  assert.deepEqual(await tiles(listener), ['Ada', 'Linus (you)'])
  await listener.click('#stage-button')
  await eventually(
    () => tiles(ada),
    names => !names.includes('Linus'),
    'the tile is gone with its owner'
  )
  await listener.waitForSelector('.tile.mix:not(.dark)')
})
