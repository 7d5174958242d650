'use strict'

/** Mixers by what an application writes and reads: no peer, no network. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { loopbackEndpoint } = require('../support/loopback.js')
const { power, sine, wav } = require('../support/sound.js')

const RATE = 48_000

async function mixer(t, options) {
  const endpoint = await loopbackEndpoint(t)
  return endpoint.createMixer(options)
}

/** Writes a tone until it is told to stop. */
function speak(port, frequency) {
  const writer = port.createPcmWriter({ sampleRate: 16_000 })
  let at = 0
  const timer = setInterval(() => {
    if (writer.writableLength === 0) writer.write(sine(frequency, 16_000, 0.02, at))
    at += 320
  }, 18)
  return { writer, stop: () => clearInterval(timer) }
}

const loud = value => assert.ok(value > 0.05, `it is heard: ${value}`)
const quiet = value => assert.ok(value < 0.002, `it is not heard: ${value}`)

/** Reads so many seconds, leaving out the beginning. */
async function listen(reader, seconds, after = 0.5) {
  const [first, last] = [after, seconds + after].map(time => time * RATE * reader.channels)
  const samples = []
  for await (const frame of reader) {
    samples.push(...frame.samples)
    if (samples.length > last) break
  }
  return Int16Array.from(samples.slice(first))
}

test('everyone hears the others and not themselves', async t => {
  const mix = await mixer(t, { audio: true })
  const [low, high, silent] = ['low', 'high', 'silent'].map(label => mix.addPort({ label }))
  const speaking = [speak(low, 440), speak(high, 1000)]
  t.after(() => speaking.forEach(({ stop }) => stop()))
  const heard = await Promise.all([
    listen(low.createPcmReader(), 1),
    listen(high.createPcmReader(), 1),
    listen(silent.createPcmReader(), 1),
    listen(mix.createPcmReader(), 1),
    listen(low.createPcmReader({ source: 'own' }), 1)
  ])
  const [byLow, byHigh, bySilent, byAll, ofLow] = heard.map(samples => ({
    low: power(samples, 440, RATE),
    high: power(samples, 1000, RATE)
  }))
  ;(loud(byLow.high), quiet(byLow.low))
  ;(loud(byHigh.low), quiet(byHigh.high))
  ;(loud(bySilent.low), loud(bySilent.high))
  ;(loud(byAll.low), loud(byAll.high))
  ;(loud(ofLow.low), quiet(ofLow.high))
})

test('who speaks is told, and who is muted is not heard', async t => {
  const mix = await mixer(t, { audio: true })
  const port = mix.addPort()
  const { stop } = speak(port, 600)
  t.after(stop)
  const reader = mix.createPcmReader()
  reader.resume()
  t.after(() => reader.destroy())
  const [speakers] = await once(mix, 'speakers')
  assert.deepEqual(speakers, [port])
  assert.deepEqual(mix.speakers, [port])
  port.set({ muted: true })
  assert.equal(port.options.muted, true)
  quiet(power(await listen(mix.createPcmReader(), 0.4), 600, RATE))
})

test('how loud a mix is is told to who listens, whether anybody takes it or not', async t => {
  const mix = await mixer(t, { audio: true })
  const [speaking, quiet] = [mix.addPort(), mix.addPort()]
  const levels = { shared: [], toSpeaking: [], toQuiet: [] }
  const since = Date.now()
  mix.audio.on('audiolevel', level => levels.shared.push(level))
  speaking.audio.on('audiolevel', level => levels.toSpeaking.push(level))
  quiet.audio.on('audiolevel', level => levels.toQuiet.push(level))
  speaking.setTone({ frequency: 440, level: -20 })
  while (levels.shared.length < 10) await once(mix.audio, 'audiolevel')
  const took = Date.now() - since
  assert.ok(took > 800, `ten levels in ${took} ms`)
  for (const { level, voice } of [levels.shared.at(-1), levels.toQuiet.at(-1)]) {
    // A sine has half the power of a square wave of its amplitude, which is what dBov counts from.
    assert.ok(Math.abs(level + 23) <= 1, `a tone of an amplitude of -20 dB has ${level} dBov`)
    assert.equal(voice, true)
  }
  assert.deepEqual(levels.toSpeaking, [{ level: -127, voice: false }], 'nobody hears themselves; silence is told once')

  mix.audio.removeAllListeners('audiolevel')
  speaking.setTone(null)
  const { length } = levels.shared
  await once(quiet.audio, 'audiolevel')
  while (levels.toQuiet.at(-1).level > -100) await once(quiet.audio, 'audiolevel')
  assert.equal(levels.shared.length, length)
  const closed = once(quiet.audio, 'closed')
  quiet.close()
  await closed
})

test('a tone and a file are heard, and the end of the file is told', async t => {
  const mix = await mixer(t, { audio: { stereo: true } })
  const port = mix.addPort({ position: -1 })
  const ended = once(port, 'fileended')
  // What nobody listens to is not played either.
  const listening = mix.createPcmReader().resume()
  t.after(() => listening.destroy())
  port.setTone({ frequency: 697, second: 1209 })
  await port.playFile(wav(sine(2000, 16_000, 1.2), 16_000))
  const samples = await listen(mix.createPcmReader({ channels: 2 }), 1, 0.2)
  const left = samples.filter((_, index) => index % 2 === 0)
  const right = samples.filter((_, index) => index % 2 === 1)
  for (const frequency of [697, 1209, 2000]) {
    assert.ok(power(left, frequency, RATE) > 0.01, `${frequency} Hz to the left`)
    assert.ok(power(right, frequency, RATE) < 0.002, `${frequency} Hz not to the right`)
  }
  await ended
  port.setTone(null)
  await assert.rejects(port.playFile(Buffer.from('not a file')), { code: 'ERR_INVALID_ARG' })
})

test('readers give what was asked for, in step with the clock, and lose the oldest when they are slow', async t => {
  const mix = await mixer(t, { audio: true })
  mix.addPort().setTone({ frequency: 300 })
  const reader = mix.createPcmReader({ sampleRate: 16_000, channels: 2, frameDuration: 10, bufferDuration: 200 })
  const frames = []
  for await (const frame of reader) if (frames.push(frame) === 50) break
  for (const { samples, sampleRate, channels } of frames) {
    assert.deepEqual([samples.length, sampleRate, channels], [320, 16_000, 2])
  }
  const span = frames.at(-1).timestamp - frames[0].timestamp
  assert.ok(Math.abs(span - 490) < 5, `49 frames of 10 ms take ${span} ms`)
  assert.ok(Math.abs(frames[0].timestamp - Date.now()) < 2_000)
  assert.ok(reader.destroyed)

  const slow = mix.createPcmReader({ bufferDuration: 100 })
  await new Promise(resolve => setTimeout(resolve, 500))
  assert.ok(slow.dropped > 5, `${slow.dropped} lost`)
  slow.destroy()

  const raw = mix.createPcmReader({ raw: true, sampleRate: 8_000 })
  const [bytes] = await once(raw, 'data')
  assert.ok(Buffer.isBuffer(bytes))
  assert.equal(bytes.length, 320)
  raw.destroy()
})

test('pictures go in and come out', async t => {
  const mix = await mixer(t, { video: { width: 320, height: 180, frameRate: 20 } })
  const port = mix.addPort({ label: 'Ada' })
  const writer = port.createFrameWriter()
  const data = Buffer.alloc(64 * 36 * 4)
  for (let i = 0; i < data.length; i += 4) data.set([200, 30, 30, 255], i)
  const timer = setInterval(() => writer.write({ data, format: 'rgba', width: 64, height: 36 }), 40)
  t.after(() => clearInterval(timer))
  const reader = mix.createFrameReader({ format: 'rgba', frameRate: 10 })
  let red = false
  for await (const frame of reader) {
    assert.deepEqual([frame.width, frame.height, frame.format], [320, 180, 'rgba'])
    assert.equal(frame.data.length, 320 * 180 * 4)
    const [r, g, b] = frame.data.subarray((90 * 320 + 160) * 4)
    red = r > 160 && g < 80 && b < 80
    if (red) break
  }
  assert.ok(red, 'the middle of the canvas is what was written')
  const jpeg = await mix.snapshot()
  assert.deepEqual([...jpeg.subarray(0, 3)], [0xff, 0xd8, 0xff])
  const png = await port.snapshot({ format: 'png' })
  assert.equal(png.subarray(1, 4).toString(), 'PNG')
  await mix.setBackground('#202040')
  await mix.setOverlays([{ x: 0.1, y: 0.1, width: 0.3, height: 0.1, text: 'Live' }])
  await assert.rejects(mix.setBackground(Buffer.from('no picture')), { code: 'ERR_INVALID_ARG' })
  mix.setLayout({ tiles: [{ x: 0, y: 0, width: 0.5, height: 1, show: port, fit: 'contain' }] })
  mix.setLayout('speaker')
  mix.pin(port)
  assert.equal(mix.layout, 'speaker')
})

test('a name is written in a font that has its letters, once that was added', async t => {
  const endpoint = await loopbackEndpoint(t)
  const written = async label => {
    const mix = await endpoint.createMixer({ video: { width: 320, height: 180 } })
    mix.addPort({ label })
    const png = await mix.snapshot({ format: 'png' })
    await mix.close()
    return png
  }
  const before = { name: await written('王 Li'), latin: await written('Li') }
  // A font of one letter.
  assert.equal(endpoint.addFont(fs.readFileSync(path.join(__dirname, '../../src/mcu/video/testing/ideograph.ttf'))), endpoint)
  const after = { name: await written('王 Li'), latin: await written('Li') }
  assert.ok(!after.name.equals(before.name), 'no box any more')
  assert.ok(after.latin.equals(before.latin))
  const wrong = font => assert.throws(() => endpoint.addFont(font), { code: 'ERR_INVALID_ARG', field: 'font' })
  wrong(Buffer.from('no font'))
  wrong(Buffer.alloc(0))
  wrong('font.ttf')
})

test('wrong use says so', async t => {
  const endpoint = await loopbackEndpoint(t)
  const refused = (options, field) => assert.rejects(endpoint.createMixer(options), { code: 'ERR_INVALID_ARG', field })
  await refused({}, 'options')
  await refused({ audio: { speakers: 0 } }, 'options.audio.speakers')
  await refused({ video: { width: 321 } }, 'options.video.width')
  await refused({ video: { codecs: ['av1'] } }, 'options.video.codecs[0]')
  await refused({ video: { codecs: ['vp8', 'vp9', 'h264'], rungs: 3 } }, 'options.video.rungs')
  await refused({ video: true, sound: true }, 'options.sound')
  const mix = await endpoint.createMixer({ audio: true })
  const other = await endpoint.createMixer({ audio: true, video: true })
  const port = mix.addPort()
  const wrong = (call, code, field) => assert.throws(call, field ? { code, field } : { code })
  wrong(() => mix.addPort({ gain: 9 }), 'ERR_INVALID_ARG', 'options.gain')
  wrong(() => mix.setLayout('grid'), 'ERR_INVALID_STATE')
  wrong(() => port.attachTo(mix.audio), 'ERR_INVALID_ARG', 'track')
  wrong(() => port.attachTo(other.video), 'ERR_INVALID_STATE')
  wrong(() => port.attachTo({}), 'ERR_INVALID_ARG', 'track')
  wrong(() => other.setLayout({ tiles: [{ x: 0, y: 0, width: 1, height: 1, show: port }] }), 'ERR_INVALID_ARG', 'layout.tiles[0].show')
  wrong(() => port.createPcmReader({ sampleRate: 44_100 }), 'ERR_INVALID_ARG', 'options.sampleRate')
  wrong(() => port.setTone({ frequency: 1 }), 'ERR_INVALID_ARG', 'tone.frequency')
  port.attachTo(other.audio)
  assert.equal(port.audioSource, other.audio)
})

test('closing closes what is below, in order, and readers end', async t => {
  const endpoint = await loopbackEndpoint(t)
  const mix = await endpoint.createMixer({ audio: true, video: { width: 160, height: 90 } })
  const port = mix.addPort()
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
  const transponders = [stream.audio[0].attachTo(port.audio), stream.video[0].attachTo(mix.video)]
  const closed = []
  for (const [name, object] of Object.entries({ mix, port, audio: mix.audio, own: port.audio, first: transponders[0] })) {
    object.on('closed', reason => closed.push(`${name} ${reason}`))
  }
  const reader = mix.createPcmReader()
  reader.resume()
  const ended = once(reader, 'end')
  await mix.close()
  await ended
  assert.deepEqual(closed, ['first parent', 'own parent', 'port parent', 'audio parent', 'mix closed'])
  assert.ok(transponders.every(transponder => transponder.closed))
  assert.deepEqual(endpoint.mixers, [])
  assert.throws(() => mix.addPort(), { code: 'ERR_CLOSED' })
  await mix.close()
})

test('a mixer tells of itself, and its endpoint of all mixers', async t => {
  const endpoint = await loopbackEndpoint(t, { threads: 2 })
  assert.deepEqual((await endpoint.getStats()).mixers, [])
  const mix = await endpoint.createMixer({ audio: true, video: { width: 160, height: 90 } })
  const port = mix.addPort()
  const stats = await mix.getStats()
  assert.equal(stats.id, mix.id)
  assert.equal(stats.effort, 'full')
  assert.equal(mix.effort, 'full')
  assert.deepEqual(
    stats.ports.map(({ id }) => id),
    [port.id]
  )
  assert.equal(stats.ports[0].packetsReceived, 0)
  assert.equal(stats.packetsDropped, 0)

  // One that mixes, and one that nobody has used yet.
  const other = await endpoint.createMixer({ audio: true })
  port.setTone({ frequency: 440 })
  const reader = mix.createPcmReader()
  t.after(() => reader.destroy())
  await once(reader, 'data')
  const { mixers, threads } = await endpoint.getStats()
  assert.equal(threads.length, 2)
  assert.deepEqual(
    mixers.map(({ id }) => id),
    [mix.id, other.id]
  )
  assert.deepEqual(Object.keys(mixers[0]), Object.keys(stats))
  assert.deepEqual(Object.keys(mixers[0].ports[0]), Object.keys(stats.ports[0]))
  assert.ok(mixers[0].ports[0].audioLevel > -40, `the tone shows: ${mixers[0].ports[0].audioLevel}`)

  const late = mix.getStats()
  await Promise.all([mix.close(), assert.rejects(late, { code: 'ERR_CLOSED' })])
  assert.deepEqual(
    (await endpoint.getStats()).mixers.map(({ id }) => id),
    [other.id]
  )
})
