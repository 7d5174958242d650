'use strict'

/** Recordings of what a mixer makes and of what a peer sends: the files, and what goes wrong with them. */

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { test } = require('node:test')
const { Endpoint, repair } = require('../..')
const { until, within } = require('../support/events.js')
const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')
const { movingMixer } = require('../support/moving-mixer.js')
const { decode, needing, probe } = require('../support/players.js')
const { readWebm } = require('../support/webm.js')

const ROOT = path.join(__dirname, '..', '..')

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-recorder-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

/** A mixer whose pictures change. */
async function source(t, endpoint, video) {
  const { mixer, stop } = await movingMixer(endpoint, video)
  t.after(stop)
  return mixer
}

/** The mixer's tracks as another endpoint gets them from a peer. */
async function published(t, mixer, server) {
  const client = mixer.endpoint.createTransport({ iceLite: false })
  const stream = client.createOutgoingStream({ audio: 1, video: 1 })
  stream.audio[0].attachTo(mixer.audio)
  stream.video[0].attachTo(mixer.video)
  const transport = server.createTransport()
  const tracks = []
  const both = new Promise(resolve => {
    transport.on('track', track => {
      tracks.push(track)
      if (tracks.length === 2) resolve()
    })
  })
  await negotiate(client, transport)
  await within(20_000, Promise.all([connected(client), connected(transport), both]), 'the peer')
  return { client, transport, tracks }
}

/** Until so many seconds are recorded. */
async function recorded(recorder, seconds) {
  while (recorder.info.duration < seconds) await within(30_000, once(recorder, 'progress'), 'progress')
}

function steps(times) {
  return times.slice(1).map((time, index) => time - times[index])
}

test(...needing(['ffmpeg', 'ffprobe'], 'mixed sound and pictures are a file that is whole, and other programs count the same'), async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint)
  const file = path.join(folder(t), 'mix.webm')
  const recorder = await endpoint.createRecorder(file, { appData: 7 })
  assert.deepEqual(endpoint.recorders, [recorder])
  assert.deepEqual([recorder.file, recorder.format, recorder.appData], [file, 'webm', 7])
  const video = recorder.record(mixer.video, { name: 'canvas' })
  const audio = recorder.record(mixer.audio, { name: 'sound', language: 'en' })
  assert.deepEqual(recorder.tracks, [video, audio])
  const [format] = await within(20_000, once(video, 'format'), 'the first picture')
  assert.deepEqual([format.codec, format.width, format.height], ['vp8', 320, 180])
  recorder.mark('now')
  await recorded(recorder, 3)
  const stats = await recorder.getStats()
  assert.equal(stats.tracks.length, 2)
  assert.ok(stats.position >= stats.duration - 0.1 && stats.position < stats.duration + 5, 'where what comes now is put')
  assert.ok(
    stats.tracks.every(track => track.frames > 5 && track.framesLost === 0),
    JSON.stringify(stats)
  )

  const closed = once(recorder, 'closed')
  const info = await recorder.close()
  const [reason, told] = await closed
  assert.deepEqual([reason, told], ['closed', info])
  assert.equal(info.bytes, fs.statSync(file).size)
  assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  assert.equal(recorder.closed && video.closed && audio.closed, true)
  assert.deepEqual(endpoint.recorders, [])

  const read = readWebm(fs.readFileSync(file))
  assert.ok(read.whole && read.cues > 0)
  assert.deepEqual(read.chapters, ['now'])
  assert.ok(Math.abs(read.duration / 1000 - info.duration) < 0.002)
  const tracks = [...read.tracks.values()]
  assert.deepEqual(tracks.map(({ codec, name }) => [codec, name]).sort(), [
    ['A_OPUS', 'sound'],
    ['V_VP8', 'canvas']
  ])
  for (const track of tracks)
    assert.ok(
      steps(track.times).every(step => step > 0),
      'times of a track grow'
    )
  const sound = tracks.find(({ codec }) => codec === 'A_OPUS')
  assert.ok(sound.times.length > 50, `${sound.times.length} packets of sound`)

  const probed = probe(file)
  const counted = tracks.map(({ codec, times }) => [codec.slice(2).toLowerCase(), times.length])
  assert.deepEqual(probed.streams, counted)
  assert.ok(Math.abs(probed.duration - info.duration) < 0.05)
  decode(file)
})

test(...needing(['ffmpeg', 'ffprobe'], 'what a peer sends is recorded from its first keyframe on, sound and picture in step'), async t => {
  const [left, right] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  const mixer = await source(t, left)
  const { tracks } = await published(t, mixer, right)
  const file = path.join(folder(t), 'peer.webm')
  const recorder = await right.createRecorder(file)
  for (const track of tracks) recorder.record(track)
  await recorded(recorder, 3)
  const info = await recorder.close()
  const read = readWebm(fs.readFileSync(file))
  const [audio, video] = ['A_OPUS', 'V_VP8'].map(codec => [...read.tracks.values()].find(track => track.codec === codec))
  assert.ok(video.keyframes >= 1 && video.times.length > 5, `${video.times.length} pictures`)
  assert.ok(audio.times.length > 20, `${audio.times.length} packets of sound`)
  // Both were made by one clock: at the end they are as far as each other.
  assert.ok(Math.abs(audio.times.at(-1) - video.times.at(-1)) < 400, `${audio.times.at(-1)} and ${video.times.at(-1)} ms`)
  assert.equal(info.framesDropped, 0)
  assert.deepEqual(
    probe(file).streams.map(([, count]) => count),
    [...read.tracks.values()].map(({ times }) => times.length)
  )
  decode(file)
})

test(...needing(['ffmpeg', 'ffprobe'], 'a publisher who leaves and returns is one track with a gap'), async t => {
  const [left, right] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  const mixer = await source(t, left)
  const first = await published(t, mixer, right)
  const file = path.join(folder(t), 'returns.webm')
  const recorder = await right.createRecorder(file)
  const lines = new Map(first.tracks.map(track => [track.kind, recorder.record(track)]))
  const grown = (before = []) =>
    until(
      async () => {
        const { tracks } = await recorder.getStats()
        const frames = tracks.map(track => track.frames)
        return frames.length === 2 && frames.every((count, index) => count > (before[index] ?? 0) + 3) && frames
      },
      'frames of both',
      30_000
    )
  const before = await grown()
  await first.client.close()
  await until(() => lines.get('video').source === null, 'the end of the track')
  await sleep(500)
  const second = await published(t, mixer, right)
  for (const track of second.tracks) lines.get(track.kind).attachTo(track)
  await grown(before)
  await recorder.close()
  const read = readWebm(fs.readFileSync(file))
  assert.equal(read.tracks.size, 2)
  for (const { codec, times } of read.tracks.values()) {
    const gaps = steps(times).filter(step => step > 400)
    assert.ok(gaps.length >= 1, `${codec} has a gap: ${times}`)
  }
  decode(file)
})

test(...needing(['ffmpeg', 'ffprobe'], 'a file is playable after kill -9, and a repair makes it seekable'), async t => {
  const file = path.join(folder(t), 'killed.webm')
  const script = `
    const { Endpoint } = require('.')
    async function main() {
      const endpoint = (await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })).ref()
      const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, frameRate: 15 } })
      mixer.addPort().setTone({ frequency: 440, level: -20 })
      const recorder = await endpoint.createRecorder(${JSON.stringify(file)})
      recorder.record(mixer.video)
      recorder.record(mixer.audio)
      recorder.on('progress', ({ duration }) => process.stdout.write(duration + '\\n'))
    }
    main()
  `
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, ['-e', script], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const told = []
  child.stdout.on('data', data => told.push(...data.toString().trim().split('\n').map(Number)))
  while (!(told.at(-1) > 3)) await within(30_000, once(child.stdout, 'data'), 'three seconds')
  child.kill('SIGKILL')
  await once(child, 'exit')

  const read = readWebm(fs.readFileSync(file))
  assert.equal(read.duration, null)
  const ends = [...read.tracks.values()].map(({ times }) => times.at(-1) / 1000)
  assert.equal(ends.length, 2)
  // What it said a second before is there; how much less is lost is tested on fake time.
  assert.ok(Math.max(...ends) > told.at(-2) - 0.2, `${ends} of ${told} s`)
  probe(file)
  const before = fs.readFileSync(file)
  const result = await repair(file)
  assert.equal(result.repaired, true)
  const after = readWebm(fs.readFileSync(file))
  assert.ok(after.whole && after.cues > 0)
  assert.ok(Math.abs(after.duration / 1000 - result.duration) < 0.002)
  assert.deepEqual([...after.tracks.values()], [...read.tracks.values()], 'no frame is lost by it')
  if (result.cut) {
    const cut = fs.readFileSync(result.cut)
    assert.ok(before.subarray(before.length - cut.length).equals(cut), 'what was cut off is kept')
  }
  assert.ok(Math.abs(probe(file).duration - result.duration) < 0.1)
  decode(file)
  assert.equal((await repair(file)).repaired, false)
})

test('an endpoint that closes leaves files that are whole', async t => {
  const file = path.join(folder(t), 'endpoint.webm')
  const endpoint = (await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })).ref()
  const mixer = await source(t, endpoint)
  const recorder = await endpoint.createRecorder(file)
  recorder.record(mixer.audio)
  await recorded(recorder, 1)
  const closed = once(recorder, 'closed')
  await endpoint.close()
  assert.equal((await within(20_000, closed, 'closing'))[0], 'parent')
  const read = readWebm(fs.readFileSync(file))
  assert.ok(read.whole && read.duration > 900, `${read.duration} ms`)
})

test('a pause takes no time of the file, and a limit closes it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint)
  const file = path.join(folder(t), 'limited.webm')
  const recorder = await endpoint.createRecorder(file, { maxDuration: 2_000 })
  recorder.record(mixer.audio)
  const closed = once(recorder, 'closed')
  await recorded(recorder, 0.5)
  recorder.pause()
  assert.equal(recorder.paused, true)
  await sleep(1_500)
  recorder.resume()
  const [reason, info] = await within(30_000, closed, 'the limit')
  assert.equal(reason, 'limit')
  assert.ok(info.duration >= 2 && info.duration < 2.5, `${info.duration} s`)
  const [{ times }] = readWebm(fs.readFileSync(file)).tracks.values()
  assert.ok(
    steps(times).every(step => step < 500),
    'there is no gap'
  )
})

test('room that is to stay free closes it', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint)
  const recorder = await endpoint.createRecorder(path.join(folder(t), 'free.webm'), { minFree: Number.MAX_SAFE_INTEGER })
  recorder.record(mixer.audio)
  assert.equal((await within(30_000, once(recorder, 'closed'), 'the limit'))[0], 'limit')
})

test('files that cannot be made are refused, and none is overwritten', async t => {
  const endpoint = await loopbackEndpoint(t)
  const here = folder(t)
  const file = path.join(here, 'there.webm')
  fs.writeFileSync(file, 'a recording')
  const refused = (name, options, expected) => assert.rejects(endpoint.createRecorder(name, options), expected)
  await refused(file, undefined, { code: 'ERR_IO' })
  assert.equal(fs.readFileSync(file, 'utf8'), 'a recording')
  await refused(path.join(here, 'nowhere', 'a.webm'), undefined, { code: 'ERR_IO' })
  await refused('', undefined, { code: 'ERR_INVALID_ARG', field: 'file' })
  await refused(path.join(here, 'a.avi'), undefined, { code: 'ERR_INVALID_ARG', field: 'file' })
  await refused(path.join(here, 'a.webm'), { format: 'avi' }, { code: 'ERR_INVALID_ARG', field: 'options.format' })
  await refused(path.join(here, 'a.webm'), { maxSize: 0 }, { code: 'ERR_INVALID_ARG', field: 'options.maxSize' })
  await refused(path.join(here, 'a.webm'), { size: 1 }, { code: 'ERR_INVALID_ARG', field: 'options.size' })
  assert.deepEqual(endpoint.recorders, [])
})

test('what cannot be recorded is refused before anything is written', async t => {
  const [endpoint, other] = await Promise.all([loopbackEndpoint(t), loopbackEndpoint(t)])
  const [mixer, h264, foreign] = await Promise.all([source(t, endpoint), source(t, endpoint, { codecs: ['h264'] }), source(t, other)])
  const recorder = await endpoint.createRecorder(path.join(folder(t), 'a.webm'))
  const wrong = (act, code, field) => assert.throws(act, { code, ...(field && { field }) })
  wrong(() => recorder.record(h264.video), 'ERR_CODEC_MISMATCH', 'track')
  wrong(() => recorder.record(foreign.video), 'ERR_INVALID_ARG', 'track')
  wrong(() => recorder.record({}), 'ERR_INVALID_ARG', 'track')
  wrong(() => recorder.record(mixer.video, { encoding: 'the largest' }), 'ERR_INVALID_ARG', 'options.encoding')
  wrong(() => recorder.record(mixer.video, { language: 'no language' }), 'ERR_INVALID_ARG', 'options.language')
  wrong(() => recorder.mark(''), 'ERR_INVALID_ARG', 'name')
  const line = recorder.record(mixer.video)
  wrong(() => line.attachTo(mixer.audio), 'ERR_INVALID_ARG', 'track')
  line.close()
  wrong(() => line.pause(), 'ERR_CLOSED')
  assert.deepEqual(recorder.tracks, [])
  await recorder.close()
  await recorder.close()
  wrong(() => recorder.record(mixer.video), 'ERR_CLOSED')
  await assert.rejects(recorder.getStats(), { code: 'ERR_CLOSED' })
})

test(...needing(['ffmpeg', 'ffprobe'], 'h264 goes into Matroska, with what a decoder needs'), async t => {
  const endpoint = await loopbackEndpoint(t)
  const mixer = await source(t, endpoint, { codecs: ['h264'] })
  const file = path.join(folder(t), 'a.mkv')
  const recorder = await endpoint.createRecorder(file)
  recorder.record(mixer.video)
  await recorded(recorder, 2)
  await recorder.close()
  const [track] = readWebm(fs.readFileSync(file)).tracks.values()
  assert.deepEqual([track.codec, track.width, track.height], ['V_MPEG4/ISO/AVC', 320, 180])
  assert.deepEqual(probe(file).streams, [['h264', track.times.length]])
  decode(file)
})

test('what is no recording is not repaired, and says where', async t => {
  const file = path.join(folder(t), 'a.webm')
  fs.writeFileSync(file, 'GIF89a....')
  await assert.rejects(repair(file), { code: 'ERR_FORMAT', field: 'file', message: /byte 0/ })
  await assert.rejects(repair(path.join(folder(t), 'none.webm')), { code: 'ERR_IO' })
  await assert.rejects(repair(7), { code: 'ERR_INVALID_ARG', field: 'file' })
  assert.equal(fs.readFileSync(file, 'utf8'), 'GIF89a....')
})
