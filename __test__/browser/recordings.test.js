'use strict'

/**
 * Chromium and Firefox play recordings: finished, cut as a crash leaves them, and fragments by Media Source Extensions. VP8, VP9
 * and H264 are what mixers make. FILES names a folder with more to play, of which is told what became of it: those that
 * `cargo test --test ffmpeg` leaves there when it is told the same.
 */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Endpoint } = require('../..')
const { chromium, firefox } = require('../support/clients/browser/launch.js')
const { within } = require('../support/events.js')
const { movingMixer } = require('../support/moving-mixer.js')

const SECONDS = 2
const TYPES = { '.webm': 'video/webm', '.mkv': 'video/x-matroska', '.mp4': 'video/mp4', '.ogg': 'audio/ogg', '.wav': 'audio/wav' }
/** Firefox plays Matroska from version 142 on, and H264 where the system has a decoder. */
const OPTIONAL = { Firefox: /\.mkv$|h264/, Chromium: /\.mkv$/ }

const MORE = process.env.FILES ? fs.readdirSync(process.env.FILES) : []

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-played-'))
const server = http.createServer(serve)

/** Files with ranges, as players ask for them; anything else is a page. */
function serve(request, response) {
  const file = path.join(folder, path.basename(request.url))
  if (request.url === '/' || !fs.existsSync(file)) return response.setHeader('content-type', 'text/html').end('<!doctype html>')
  const bytes = fs.readFileSync(file)
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
  const headers = { 'content-type': TYPES[path.extname(file)], 'accept-ranges': 'bytes' }
  if (from === undefined) return response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes)
  const end = to ? Number(to) : bytes.length - 1
  const range = `bytes ${from}-${end}/${bytes.length}`
  response.writeHead(206, { ...headers, 'content-range': range }).end(bytes.subarray(Number(from), end + 1))
}

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const recorders = []
  for (const [codec, endings] of Object.entries({ vp8: ['webm'], vp9: ['webm', 'mp4'], h264: ['mp4', 'mkv'] })) {
    const { mixer, stop } = await movingMixer(endpoint, { codecs: [codec] })
    mixer.on('closed', stop)
    for (const ending of endings) {
      const recorder = await endpoint.createRecorder(path.join(folder, `${codec}.${ending}`), { fragment: 200 })
      recorder.record(mixer.video)
      recorder.record(mixer.audio)
      recorders.push(recorder)
    }
    if (codec !== 'vp8') continue
    for (const ending of ['ogg', 'wav']) {
      const recorder = await endpoint.createRecorder(path.join(folder, `sound.${ending}`))
      recorder.record(mixer.audio)
      recorders.push(recorder)
    }
  }
  await Promise.all(
    recorders.map(async recorder => {
      while (recorder.info.duration < SECONDS + 0.5) await within(30_000, once(recorder, 'progress'), 'progress')
      const { dir, name, ext } = path.parse(recorder.file)
      fs.copyFileSync(recorder.file, path.join(dir, `${name}-killed${ext}`))
      await recorder.close()
    })
  )
  for (const file of MORE) fs.copyFileSync(path.join(process.env.FILES, file), path.join(folder, file))
  await endpoint.close()
})

after(() => {
  server.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

/** In a page: plays a file fast, and gives how far it came, its size and what went wrong. */
function play(url) {
  return new Promise(resolve => {
    const video = document.createElement('video')
    const end = error => resolve({ error, time: video.currentTime, width: video.videoWidth, duration: video.duration })
    video.muted = true
    // What `playbackRate` becomes when the file is loaded (HTML, media element load algorithm).
    video.defaultPlaybackRate = 4
    video.onended = () => end(null)
    video.onerror = () => end(video.error.message || `error ${video.error.code}`)
    setTimeout(() => end('it did not end'), 8_000)
    video.src = url
    video.play().catch(() => {})
  })
}

/** In a page: gives a file of fragments to a source buffer, and tells what it made of it. */
async function append({ url, type }) {
  if (!MediaSource.isTypeSupported(type)) return { error: 'not supported' }
  const bytes = await (await fetch(url)).arrayBuffer()
  const source = new MediaSource()
  const video = document.createElement('video')
  video.src = URL.createObjectURL(source)
  await new Promise(resolve => source.addEventListener('sourceopen', resolve))
  const buffer = source.addSourceBuffer(type)
  return new Promise(resolve => {
    buffer.onupdateend = () =>
      resolve({ error: null, ranges: buffer.buffered.length, end: buffer.buffered.length && buffer.buffered.end(0) })
    buffer.onerror = () => resolve({ error: 'the fragments were refused' })
    buffer.appendBuffer(bytes)
  })
}

for (const browser of [chromium, firefox]) {
  test(`${browser.name} plays recordings, finished and as a crash leaves them`, { skip: browser.missing ?? false }, async t => {
    const started = await browser.launch()
    try {
      const origin = `http://127.0.0.1:${server.address().port}`
      const page = await started.open(`${origin}/`)
      for (const file of fs.readdirSync(folder).sort()) {
        const result = await page.evaluate(play, `${origin}/${file}`)
        t.diagnostic(`${file}: ${JSON.stringify(result)}`)
        if (MORE.includes(file)) continue
        if (result.error && OPTIONAL[browser.name].test(file)) continue
        assert.equal(result.error, null, file)
        assert.ok(result.time >= SECONDS * 0.8, `${file}: ${JSON.stringify(result)}`)
        if (!file.startsWith('sound')) assert.ok(result.width > 0, `${file} has a picture`)
      }
      for (const [file, codecs] of Object.entries({ 'vp9-killed.mp4': 'vp09.00.11.08,opus', 'h264-killed.mp4': 'avc1.42e01f,opus' })) {
        const result = await page.evaluate(append, { url: `${origin}/${file}`, type: `video/mp4; codecs="${codecs}"` })
        t.diagnostic(`${file} by MSE: ${JSON.stringify(result)}`)
        if (result.error === 'not supported') continue
        assert.deepEqual([result.error, result.ranges], [null, 1], file)
        assert.ok(result.end > SECONDS * 0.8, `${file}: ${result.end} s`)
      }
    } finally {
      await started.close()
    }
  })
}
