'use strict'

/** What the room page shows of layers and bandwidth, and what it does about them. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, received, sees } = require('./fixture.js')

/** Browsers on a busy machine take their time to encode anything. */
const LONG_MS = 60_000
/** The right end of the slider, where there is no limit. */
const UNLIMITED = 60

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

/** What the server last said of the only stream that a page gets. @param {import('playwright-core').Page} page */
const downlink = page =>
  page.evaluate(() => {
    const { downlink } = globalThis.call
    const [[stream, forwarded] = []] = downlink.layers
    return { ...forwarded, link: downlink.link, ...(stream && downlink.figures(stream)) }
  })

/** @param {import('playwright-core').Page} page @param {number} position */
const slide = (page, position) => page.locator('#downlink-limit').fill(String(position))

/** Its outgoing video by RID. @param {import('playwright-core').Page} page */
const outgoing = page =>
  page.evaluate(async () => {
    const [connection] = globalThis.peerConnections.slice(-1)
    const stats = [...(await connection.getStats()).values()].filter(
      stat => stat.type === 'outbound-rtp' && stat.kind === 'video' && stat.rid
    )
    return Object.fromEntries(stats.map(stat => [stat.rid, { active: stat.active, frames: stat.framesSent, bytes: stat.bytesSent }]))
  })

test('the panel shows the layer, why it is sent, and the link; the slider brings the picture down and up again', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace', { colorScheme: 'dark' })
  await sees(grace, 'Ada')
  assert.equal(await grace.evaluate(() => globalThis.call.downlink.link), null, 'nothing comes that nobody looks at')
  await grace.click('#figures-button')
  await slide(grace, 50)
  const { steps } = await eventually(
    () => downlink(grace),
    now => now.link?.available > 0 && now.layer?.bitrate > 0 && now.samples?.length > 2 && now.steps?.length > 2,
    'figures of the link and of the layers',
    LONG_MS
  )
  assert.ok(steps.every(step => step.bitrate >= 0 && step.temporal >= 0))
  const tile = grace.locator('.tile[aria-label^="Ada"]')
  await eventually(
    () => tile.locator('.layer-now b').textContent(),
    text => /^\d+×\d+ @\d+ · .*bit\/s$/.test(text ?? ''),
    'the layer in words'
  )
  await eventually(
    () => tile.locator('.layer-graph').textContent(),
    text => /Link .*bit\/s.*Sent .*bit\/s/.test(text ?? ''),
    'the legend'
  )
  assert.ok(await hasInk(grace), 'something is drawn')

  await slide(grace, UNLIMITED)
  await eventually(
    () => downlink(grace),
    now => now.layer?.rid === 'f',
    'the largest encoding',
    LONG_MS
  )
  const large = (await sees(grace, 'Ada')).height
  await slide(grace, 0)
  await eventually(
    () => downlink(grace),
    now => now.reason === 'bandwidth' && now.layer?.rid !== 'f',
    'a smaller layer, or none',
    LONG_MS
  )
  await eventually(
    () => tile.locator('.layer-now span').textContent(),
    text => /your link|Your link/.test(text ?? ''),
    'the reason in words'
  )
  await eventually(
    () => received(grace, 'Ada'),
    ({ video }) => video.height < large,
    'a smaller picture',
    LONG_MS
  )
  await fixture.screenshot(grace, 'downlink-limited-dark')
  await slide(grace, UNLIMITED)
  await eventually(
    () => received(grace, 'Ada'),
    ({ video }) => video.height >= large / 1.5,
    'the large picture again',
    LONG_MS
  )
  await sees(grace, 'Ada')
  await fixture.screenshot(grace, 'downlink-free-dark')

  await ada.click('#leave-button')
  await grace.click('#figures-button')
  assert.equal(await grace.isVisible('#downlink'), false)
  assert.equal(await grace.evaluate(() => globalThis.call.downlink.link), null)
})

/** Whether the graph of the first stream has more than one colour. @param {import('playwright-core').Page} page */
function hasInk(page) {
  return page.evaluate(() => {
    const canvas = [...document.querySelectorAll('.layer-graph canvas')].find(each => each.clientWidth > 0)
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return new Set(new Uint32Array(data.buffer)).size > 3
  })
}

test('encodings that nobody wants are not sent, and come back when someone does; the sound goes on', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace')
  await sees(grace, 'Ada')
  await eventually(
    () => outgoing(ada),
    ({ q, h, f }) => q && h && f,
    'a simulcast',
    LONG_MS
  )
  await grace.evaluate(() => {
    const { downlink } = globalThis.call
    downlink.selectEncoding([...downlink.encodings.keys()][0], 'q')
  })
  await eventually(
    () => outgoing(ada),
    ({ q, h, f }) => q.active && !h.active && !f.active,
    'only the smallest is sent',
    LONG_MS
  )
  await sees(grace, 'Ada')
  const off = await outgoing(ada)
  await new Promise(resolve => setTimeout(resolve, 1500))
  const still = await outgoing(ada)
  assert.equal(still.f.frames, off.f.frames, 'no frame of the largest is sent')
  assert.equal(still.f.bytes, off.f.bytes)

  await grace.evaluate(() => {
    const { downlink } = globalThis.call
    downlink.selectEncoding([...downlink.encodings.keys()][0], 'f')
    globalThis.asked = performance.now()
  })
  await eventually(
    () => outgoing(ada),
    ({ f }) => f.active && f.frames > still.f.frames,
    'the largest is sent again',
    LONG_MS
  )
  await eventually(
    () => downlink(grace),
    now => now.layer?.rid === 'f',
    'and forwarded',
    LONG_MS
  )
  const took = await grace.evaluate(() => performance.now() - globalThis.asked)
  console.log(`# from asking for the largest encoding to having it: ${Math.round(took)} ms`)
  await sees(grace, 'Ada')
  const audio = await ada.evaluate(
    () =>
      globalThis.peerConnections[0]
        .getSenders()
        .find(each => each.track?.kind === 'audio')
        ?.getParameters().encodings[0].active
  )
  assert.equal(audio, true)
})

test('a small tile gets a small picture, a page in the background the smallest', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace', { viewport: { width: 300, height: 420 }, deviceScaleFactor: 1 })
  await sees(grace, 'Ada')
  await eventually(
    () => downlink(grace),
    now => now.reason === 'preferences' && now.layer && now.layer.rid !== 'f',
    'no more than the tile shows',
    LONG_MS
  )
  await grace.setViewportSize({ width: 1600, height: 1000 })
  await eventually(
    () => downlink(grace),
    now => now.reason === 'best' && now.layer?.rid === 'f',
    'the best for a large tile',
    LONG_MS
  )
  await grace.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await eventually(
    () => downlink(grace),
    now => now.layer?.rid === 'q',
    'the smallest for a page that nobody sees',
    LONG_MS
  )
  await sees(grace, 'Ada')
  await ada.close()
})

for (const [codec, scalability, layers] of [
  ['vp9', 'L3T3_KEY', 3],
  ['av1', 'L1T3', 1],
  ['h264', 'L1T2', 1],
  ['vp8', 'L1T3', 1]
]) {
  test(`the address asks for ${codec} with ${scalability}`, async () => {
    const ada = await fixture.join('Ada', { query: { codec, scalability } })
    const grace = await fixture.join('Grace')
    const video = await sees(grace, 'Ada')
    assert.equal(video.codec.toLowerCase(), codec)
    const sent = await ada.evaluate(
      () =>
        globalThis.peerConnections[0]
          .getSenders()
          .find(each => each.track?.kind === 'video')
          ?.getParameters().encodings
    )
    assert.deepEqual(
      sent.map(encoding => encoding.scalabilityMode),
      [scalability]
    )
    assert.equal(new URL(ada.url()).search, `?codec=${codec}&scalability=${scalability}`)
    await grace.click('#figures-button')
    const spatial = await eventually(
      () => downlink(grace),
      ({ steps }) => layers === 1 || new Set(steps?.map(step => step.spatial)).size === layers,
      'the layers that were asked for',
      LONG_MS
    )
    assert.ok(spatial)
  })
}

test('the figures fit on a phone', async () => {
  const ada = await fixture.join('Ada')
  const grace = await fixture.join('Grace', { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 })
  await sees(grace, 'Ada')
  await grace.click('#figures-button')
  await slide(grace, 20)
  await eventually(
    () => downlink(grace),
    now => now.samples?.length > 5,
    'some seconds of figures',
    LONG_MS
  )
  const overflow = await grace.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(overflow <= 0, 'nothing sticks out of the screen')
  await fixture.screenshot(grace, 'figures-phone')
  await ada.close()
})
