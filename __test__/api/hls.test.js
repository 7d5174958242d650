'use strict'

/** Streams of HLS as players meet them, by the server of the engine and through JavaScript. */

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const express = require('express')
const { within } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { movingMixer } = require('../support/moving-mixer.js')
const { assertPlaylist } = require('../support/playlist.js')

/** A mixer that makes a tone, and pictures that change. */
async function source(t, endpoint, options = {}) {
  const { mixer, stop } = await movingMixer(endpoint, { rungs: 1, codecs: ['h264'], ...options })
  t.after(stop)
  return mixer
}

async function streaming(t, options) {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint)
  const hls = await endpoint.createHls({ part: 200, segment: 1000, ...options })
  hls.add(mixer.video)
  hls.add(mixer.audio, { title: 'sound', language: 'en' })
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  return { endpoint, mixer, hls, at: `http://127.0.0.1:${port}/${hls.name}` }
}

async function served(t, handler) {
  const server = http.createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}`
}

async function text(url, status = 200) {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) })
  const body = await response.text()
  assert.equal(response.status, status, body)
  return body
}

/** The playlist of a whole stream, when it has all that it is made of: on a busy machine not all of that begins at once. */
async function wholeOf(at, ...names) {
  for (let tries = 20; ; tries--) {
    const whole = await text(`${at}/index.m3u8`)
    if (tries === 0 || names.every(name => whole.includes(`${name}/live.m3u8`))) return whole
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}

const status = async url => (await fetch(url, { signal: AbortSignal.timeout(20_000) })).status

test('who asks gets what is made from then on: playlists that wait, segments that begin with a keyframe', async t => {
  const { hls, at } = await streaming(t)
  assert.equal(hls.watched, false)
  const watched = once(hls, 'watched')
  const whole = await wholeOf(at, 'v0', 'a1')
  assert.deepEqual(await watched, [true])
  assert.match(whole, /^#EXTM3U\n/)
  assert.match(whole, /TYPE=AUDIO,GROUP-ID="sound",NAME="sound",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",URI="a1\/live.m3u8"/)
  assert.match(whole, /CODECS="avc1\.[0-9a-f]{6},opus",RESOLUTION=\d+x\d+,AUDIO="sound"\nv0\/live.m3u8/)

  let next = 0
  for (const part of [0, 1, 2, 3]) {
    const playlist = await text(`${at}/v0/live.m3u8?_HLS_msn=${next}&_HLS_part=${part}`)
    assert.match(playlist, new RegExp(`URI="p${next}\\.${part}-`))
    const [, hint] = /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(playlist)
    const response = await fetch(`${at}/v0/${hint}`)
    assert.equal(response.status, 200, hint)
    assert.match(response.headers.get('cache-control'), /immutable/)
    assert.ok((await response.arrayBuffer()).byteLength > 0)
  }
  next = 2
  const playlist = await text(`${at}/v0/live.m3u8?_HLS_msn=${next}`)
  assertPlaylist(playlist)
  const lengths = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, seconds]) => Number(seconds))
  assert.ok(
    lengths.every(seconds => seconds <= 2),
    lengths
  )
  const firsts = [...playlist.matchAll(/#EXT-X-PART:.*URI="p\d+\.0-[^"]+"(.*)/g)].map(([, attributes]) => attributes)
  assert.ok(
    firsts.every(attributes => attributes === ',INDEPENDENT=YES'),
    playlist
  )

  const stats = await hls.getStats()
  assert.equal(stats.renditions[0].codec.slice(0, 5), 'avc1.')
  // A mixer on a busy machine makes them smaller.
  assert.ok(stats.renditions[0].width >= 160 && stats.renditions[0].height >= 90, JSON.stringify(stats))
  assert.ok(stats.renditions.every(({ frames, bytes, framesLost }) => frames > 2 && bytes > 0 && framesLost === 0))
})

test('what was added, removed or closed is so for whoever asks next, by both doors', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint)
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  for (let round = 0; round < 10; round++) {
    const hls = await endpoint.createHls({ part: 100, segment: 200, name: 'again' })
    const doors = [`http://127.0.0.1:${port}/again`, await served(t, hls.handler)]
    const pictures = hls.add(mixer.video)
    const sound = hls.add(mixer.audio)
    const asked = doors.flatMap(door => ['v0/live.m3u8', 'index.m3u8'].map(file => status(`${door}/${file}`)))
    await Promise.all(doors.map(door => text(`${door}/a1/live.m3u8?_HLS_msn=9`, 400)))
    sound.close()
    assert.deepEqual(hls.renditions, [pictures])
    await Promise.all(doors.map(door => text(`${door}/a1/live.m3u8?_HLS_msn=9`, 404)))
    if (round === 0) for (const door of doors) assert.doesNotMatch(await text(`${door}/index.m3u8`), /a1/)
    hls.close()
    await Promise.all(doors.flatMap(door => [text(`${door}/index.m3u8`, 410), text(`${door}/v0/live.m3u8`, 410)]))
    for (const answer of await Promise.all(asked)) assert.ok(answer === 200 || answer === 410, `${answer}`)
  }
  const hls = await endpoint.createHls()
  for (let index = 0; index < 32; index++) hls.add(mixer.video)
  assert.throws(() => hls.add(mixer.video), { code: 'ERR_LIMIT' })
  hls.renditions[7].close()
  hls.add(mixer.video)
})

test('pictures that come less often than parts end have parts as long as the playlist says', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint, { frameRate: 2 })
  const hls = await endpoint.createHls({ part: 200, segment: 1000 })
  hls.add(mixer.video)
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  const at = `http://127.0.0.1:${port}/${hls.name}`
  const lengths = assertPlaylist(await text(`${at}/v0/live.m3u8?_HLS_msn=2`))
  assert.ok(lengths.length >= 12, `${lengths}`)
  if (spawnSync('ffmpeg', ['-version']).error) return
  // Each part is what a decoder takes, with the pictures that are shown again: those that no screen shows have
  // no place at the rate of the others.
  const input = ['-live_start_index', '0', '-i', `${at}/index.m3u8`]
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-xerror', ...input, '-t', '2', '-fps_mode', 'vfr', '-f', 'null', '-'])
  assert.equal(stderr.replace(/frame=.*/g, '').trim(), '')
})

test('each size of a mixer is one that players choose from, and sound alone for the thinnest links', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint, { width: 640, height: 360, rungs: 2 })
  const hls = await endpoint.createHls({ part: 200, segment: 1000 })
  for (const encoding of mixer.video.rids) hls.add(mixer.video, { encoding })
  hls.add(mixer.audio)
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  const at = `http://127.0.0.1:${port}/${hls.name}`
  const whole = await wholeOf(at, 'v0', 'v1', 'a2')
  const variants = [...whole.matchAll(/#EXT-X-STREAM-INF:BANDWIDTH=(\d+),(.*)\n(.*)/g)]
  assert.deepEqual(
    variants.map(([, , , uri]) => uri),
    ['v0/live.m3u8', 'v1/live.m3u8', 'a2/live.m3u8'],
    whole
  )
  assert.match(variants[2][2], /CODECS="opus",AUDIO="sound"$/)
  const [full, half] = variants.map(([, , attributes]) => /RESOLUTION=(\d+)x/.exec(attributes)?.[1])
  // Both are smaller on a busy machine, maybe not at once.
  assert.ok(Number(full) > Number(half), whole)
  for (const name of ['v0', 'v1', 'a2']) assertPlaylist(await text(`${at}/${name}/live.m3u8?_HLS_msn=1`))
})

test('ffmpeg plays it, sound and picture', { skip: spawnSync('ffmpeg', ['-version']).error && 'needs ffmpeg' }, async t => {
  const { at } = await streaming(t)
  const { stderr } = await run('ffmpeg', [
    '-v',
    'error',
    '-stats',
    '-live_start_index',
    '0',
    '-i',
    `${at}/index.m3u8`,
    '-t',
    '3',
    '-fps_mode',
    'vfr',
    '-f',
    'null',
    '-'
  ])
  const frames = Number(/frame=\s*(\d+)/.exec(stderr.split('\r').at(-1))?.[1])
  assert.ok(frames >= 10, stderr)
  assert.match(stderr, /time=00:00:0[23]\.\d+ [^\r]*$/)
  assert.doesNotMatch(stderr, /Invalid|error/i)
})

/** Runs a program to its end, while this process goes on. */
async function run(program, args) {
  const child = spawn(program, args, { timeout: 30_000 })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', chunk => (stderr += chunk))
  await within(40_000, once(child, 'close'), program)
  return { stderr }
}

test('Express and node:http serve it by its handler', async t => {
  const { hls } = await streaming(t)
  const app = express()
  app.use('/live', hls.handler)
  for (const at of [`${await served(t, app)}/live`, await served(t, hls.handler)]) {
    assert.match(await text(`${at}/index.m3u8`), /v0\/live\.m3u8/)
    const playlist = await text(`${at}/v0/live.m3u8?_HLS_msn=1`)
    const [, init] = /EXT-X-MAP:URI="([^"]+)"/.exec(playlist)
    const response = await fetch(`${at}/v0/${init}`)
    assert.equal(response.headers.get('content-type'), 'video/mp4')
    assert.equal(Buffer.from(await response.arrayBuffer()).toString('latin1', 4, 8), 'ftyp')
    const head = await fetch(`${at}/v0/${init}`, { method: 'HEAD' })
    assert.ok(Number(head.headers.get('content-length')) > 100)
    assert.equal((await fetch(`${at}/v0/${init}`, { method: 'POST' })).status, 405)
  }
})

test('what is not there is told so, by both doors', async t => {
  const { hls, at } = await streaming(t)
  const other = await served(t, hls.handler)
  await text(`${at}/index.m3u8`)
  for (const door of [at, other]) {
    await text(`${door}/v0/live.m3u8?_HLS_msn=1000000`, 400)
    await text(`${door}/v0/live.m3u8?_HLS_msn=one`, 400)
    await text(`${door}/../../etc/passwd`, 404)
    await text(`${door}/v9/live.m3u8`, 404)
    await text(`${door}/v0/p0.999-1.mp4`, 404)
  }
  const waiting = [text(`${at}/v0/live.m3u8?_HLS_msn=${Number((await hls.getStats()).renditions[0].segments) + 1}`, 410)]
  await within(5000, Promise.all([once(hls, 'closed'), hls.close()]), 'close')
  await within(5000, Promise.all(waiting), 'who waited')
  await text(`${other}/index.m3u8`, 410)
})

test('a track that players cannot play is refused by name, before or when it turns out', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint, { codecs: ['vp8'] })
  const hls = await endpoint.createHls()
  assert.throws(() => hls.add(mixer.video), { code: 'ERR_CODEC_MISMATCH', message: /vp8/ })
  await assert.rejects(endpoint.createHls({ segment: 1 }), { code: 'ERR_INVALID_ARG' })
  await assert.rejects(endpoint.createHls({ name: 'a/b' }), { code: 'ERR_INVALID_ARG' })
  await assert.rejects(endpoint.createHls({ name: hls.name }), { code: 'ERR_INVALID_ARG', message: /another stream/ })
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  await assert.rejects(endpoint.listenHls({ ip: '127.0.0.1', port }), { code: 'ERR_IO', message: /listen on 127/ })
  hls.close()
  assert.throws(() => hls.add(mixer.audio), { code: 'ERR_CLOSED' })
})

test('a rendition whose track closes goes on with another one', async t => {
  const { endpoint, mixer, hls, at } = await streaming(t)
  await text(`${at}/v0/live.m3u8?_HLS_msn=0`)
  const [pictures] = hls.renditions
  await mixer.close()
  assert.equal(pictures.source, null)
  const other = await source(t, endpoint, { width: 480, height: 360 })
  pictures.attachTo(other.video)
  // The last picture is shown until there is one of the other mixer.
  const { segments } = (await hls.getStats()).renditions[0]
  let playlist = ''
  for (let next = segments; !playlist.includes('EXT-X-MAP:URI="init1') && next < segments + 20; next++) {
    playlist = await text(`${at}/v0/live.m3u8?_HLS_msn=${next}`)
    assertPlaylist(playlist)
  }
  assert.match(playlist, /EXT-X-MAP:URI="init0[^]*EXT-X-MAP:URI="init1/)
  assert.doesNotMatch(playlist, /EXT-X-DISCONTINUITY\n/)
  const { width, height } = (await hls.getStats()).renditions[0]
  assert.ok(Math.abs(width / height - 4 / 3) < 0.1, `${width}x${height}`)
})
