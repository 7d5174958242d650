'use strict'

/** MP4, Ogg and WAV: files as other programs read them, and tracks that a format holds in another way. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { repair } = require('../..')
const { within } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { boxes, readMp4 } = require('../support/mp4.js')
const { decode, needing, probe } = require('../support/players.js')

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-formats-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

async function mixing(t, options = {}) {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, frameRate: 15 }, ...options })
  mixer.addPort({ label: 'Ada' }).setTone({ frequency: 440, level: -20 })
  return { endpoint, mixer }
}

/** Until so many seconds are recorded. */
async function recorded(recorder, seconds) {
  while (recorder.info.duration < seconds) await within(30_000, once(recorder, 'progress'), 'progress')
}

for (const codec of ['h264', 'vp9']) {
  const name = `${codec} and opus are an mp4 that plays while it is written, and is an ordinary one when it is closed`
  test(...needing(['ffmpeg', 'ffprobe'], name), async t => {
    const { endpoint, mixer } = await mixing(t, { video: { width: 320, height: 180, frameRate: 15, codecs: [codec] } })
    const file = path.join(folder(t), 'mix.mp4')
    const recorder = await endpoint.createRecorder(file, { fragment: 200 })
    assert.equal(recorder.format, 'mp4')
    recorder.record(mixer.video, { name: 'canvas' })
    recorder.record(mixer.audio, { language: 'en' })
    recorder.mark('now')
    await recorded(recorder, 2)
    const cut = `${file}.cut.mp4`
    fs.copyFileSync(file, cut)
    const stats = await endpoint.getStats()
    assert.deepEqual(
      stats.recorders.map(({ id, tracks }) => [id, tracks.length]),
      [[recorder.id, 2]]
    )
    const { bytes, duration } = await recorder.close()
    assert.equal(bytes, fs.statSync(file).size)
    const whole = readMp4(fs.readFileSync(file))
    assert.ok(whole.finished, whole.names.join())
    const written = readMp4(fs.readFileSync(cut))
    assert.ok(!written.finished && written.fragments >= 5, written.names.join())
    const found = probe(file)
    assert.deepEqual(found.streams.map(([name]) => name).sort(), [codec, 'opus'].sort())
    assert.ok(Math.abs(found.duration - duration) < 0.1, `${found.duration} of ${duration} s`)
    assert.deepEqual(found.chapters, ['now'])
    probe(cut)
    decode(file)
    decode(cut)
    assert.equal((await repair(cut)).repaired, true)
    assert.ok(readMp4(fs.readFileSync(cut)).finished)
    decode(cut)
    assert.equal((await repair(file)).repaired, false)
  })
}

test('of a mixed track in several codecs the one is recorded that the format holds', async t => {
  const { endpoint, mixer } = await mixing(t)
  const recorder = await endpoint.createRecorder(path.join(folder(t), 'a.mp4'))
  const [format] = await within(20_000, once(recorder.record(mixer.video), 'format'), 'the first picture')
  assert.equal(format.codec, 'h264')
})

test(...needing(['ffmpeg', 'ffprobe'], 'sound alone is ogg, or samples in wav'), async t => {
  const { endpoint, mixer } = await mixing(t, { video: undefined })
  const here = folder(t)
  const recorders = []
  for (const name of ['a.ogg', 'a.wav', 'a.m4a']) {
    const recorder = await endpoint.createRecorder(path.join(here, name))
    recorder.record(mixer.audio, { name: 'somebody' })
    recorders.push(recorder)
  }
  await Promise.all(recorders.map(recorder => recorded(recorder, 1.5)))
  for (const [index, codec] of ['opus', 'pcm_s16le', 'opus'].entries()) {
    const { file, duration, bytes } = await recorders[index].close()
    assert.equal(bytes, fs.statSync(file).size)
    const found = probe(file)
    assert.deepEqual(
      found.streams.map(([name]) => name),
      [codec]
    )
    assert.ok(Math.abs(found.duration - duration) < 0.1, `${file}: ${found.duration} of ${duration} s`)
    decode(file)
  }
})

test('what a format does not hold is refused before anything is written', async t => {
  const { endpoint, mixer } = await mixing(t, { video: { width: 320, height: 180, codecs: ['vp8'] } })
  const here = folder(t)
  for (const [name, track] of [
    ['a.mp4', mixer.video],
    ['a.ogg', mixer.video],
    ['a.wav', mixer.video]
  ]) {
    const recorder = await endpoint.createRecorder(path.join(here, name))
    assert.throws(() => recorder.record(track), { code: 'ERR_CODEC_MISMATCH', field: 'track', message: /vp8/ })
    await recorder.close()
  }
  const refused = (options, field) =>
    assert.rejects(endpoint.createRecorder(path.join(here, 'b.mp4'), options), { code: 'ERR_INVALID_ARG', field })
  await refused({ fragment: 50 }, 'options.fragment')
  await refused({ onFormatChange: 'drop' }, 'options.onFormatChange')
  const recorder = await endpoint.createRecorder(path.join(here, 'c.mkv'))
  assert.throws(() => recorder.record(mixer.video, { encoding: 'no rid' }), { code: 'ERR_INVALID_ARG', field: 'options.encoding' })
  assert.equal(recorder.record(mixer.video, { encoding: 'h' }).closed, false)
  assert.deepEqual(recorder.files, [recorder.file])
})

test('a file without a frame is one that says so', async t => {
  const { endpoint } = await mixing(t)
  const file = path.join(folder(t), 'empty.mp4')
  const recorder = await endpoint.createRecorder(file)
  await recorder.close()
  assert.deepEqual(
    boxes(fs.readFileSync(file)).map(({ name }) => name),
    ['ftyp', 'free', 'free']
  )
})
