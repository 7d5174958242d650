'use strict'

/** Rooms that are recorded: whose media is in which file, and what ends a recording. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { RoomError, recoverRecordings } = require('medialoom/rooms')
const { nextEvent, until, within } = require('../support/events.js')
const { fill, needingDisk, smallDisk } = require('../support/small-disk.js')
const { readWebm } = require('../support/webm.js')
const { RecordingFixture, folder, recorded } = require('./recording-fixture.js')

/** @type {RecordingFixture} */
let fixture
before(async () => {
  fixture = await RecordingFixture.start()
})
after(() => fixture.stop())

const read = (recording, file) => readWebm(fs.readFileSync(path.join(recording.directory, file)))
const entry = (recording, part) => recording.files.find(({ file }) => file.includes(part))
const codecsOf = file => [...file.tracks.values()].map(({ codec }) => codec).sort()
const indexOf = recording => JSON.parse(fs.readFileSync(path.join(recording.directory, 'index.json'), 'utf8'))

/** The longest time in which a file has nothing of a kind, in milliseconds. */
function longestGap({ tracks }) {
  const video = [...tracks.values()].find(({ codec }) => codec.startsWith('V_'))
  return Math.max(...video.times.slice(1).map((time, index) => time - video.times[index]))
}

async function refuses(code, promise, field) {
  await assert.rejects(promise, error => {
    assert.ok(error instanceof RoomError, String(error))
    assert.equal(error.code, code, error.message)
    if (field) assert.equal(error.field, field)
    return true
  })
}

test('everybody has a file, the mix has one, and an index says whose is which and when it begins', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada Lovelace', { identity: 'ada', permissions: { roomRecord: true } })
  const { room } = ada
  const told = []
  room.on('recording', recording => told.push(['recording', recording.active]))
  room.on('recorded', recording => told.push(['recorded', recording.reason]))
  const recording = await room.record(folder(t), { what: 'both', by: ada })
  assert.deepEqual(room.recordings, [recording])
  await recorded(recording, 1, 2)
  assert.equal(indexOf(recording).state, 'recording', 'there from the beginning')
  const late = recording.duration
  const grace = await fixture.join(t, rooms, 'Grace')
  await recorded(recording, 1, 3)
  assert.ok(room.mixer, 'the room has a mixer while it is recorded')
  grace.mute('audio')
  assert.ok(recording.mark('questions'))
  const { reason, error, stored, index } = await recording.stop()
  assert.deepEqual([reason, error, stored], ['stopped', null, true])
  assert.deepEqual(told, [
    ['recording', true],
    ['recorded', 'stopped']
  ])
  assert.deepEqual(room.recordings, [])
  assert.equal(room.mixer, null, 'and no longer')

  assert.deepEqual(indexOf(recording), index)
  assert.deepEqual(fs.readdirSync(recording.directory).sort(), [
    '01-Ada-Lovelace-camera.webm',
    '02-Grace-camera.webm',
    'index.json',
    'mix.webm'
  ])
  assert.deepEqual(index.startedBy, { id: ada.id, identity: 'ada', name: 'Ada Lovelace' })
  assert.deepEqual(
    index.participants.map(({ name, identity, left }) => [name, identity, left]),
    [
      ['Ada Lovelace', 'ada', null],
      ['Grace', null, null]
    ]
  )
  assert.deepEqual(
    index.marks.map(({ name }) => name),
    ['questions']
  )
  assert.deepEqual(
    index.events.map(({ type, participant, kind }) => [type, participant, kind]),
    [['muted', grace.id, 'audio']]
  )
  for (const { file, duration, bytes, tracks } of index.files) {
    const whole = read(recording, file)
    assert.ok(whole.whole, file)
    assert.deepEqual(codecsOf(whole), ['A_OPUS', 'V_VP8'], file)
    assert.deepEqual(whole.chapters, ['questions'], file)
    assert.ok(Math.abs(whole.duration / 1000 - duration) < 0.01, file)
    assert.equal(fs.statSync(path.join(recording.directory, file)).size, bytes)
    assert.equal(fs.statSync(path.join(recording.directory, file)).mode & 0o777, 0o600)
    assert.deepEqual(tracks.map(({ kind }) => kind).sort(), ['audio', 'video'])
  }
  const { joined } = index.participants[1]
  const [first, second] = ['Ada', 'Grace'].map(name => entry(recording, name))
  assert.ok(joined >= late - 0.01 && second.offset >= joined, `Grace came at ${joined}, and the file begins at ${second.offset}`)
  assert.ok(first.offset < second.offset, `${first.offset} and ${second.offset}`)
  for (const { offset, duration } of [first, second])
    assert.ok(offset + duration < index.duration + 0.5, `${offset} and ${duration} of ${index.duration} s`)
})

test('offsets bring files in step: the same frames are at the same moments in two recordings', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const first = await ada.room.record(folder(t))
  await recorded(first, 0.7)
  const second = await ada.room.record(folder(t))
  await recorded(second, 1.5)
  await Promise.all([first.stop(), second.stop()])
  /** Milliseconds since the epoch. */
  const frames = recording => {
    const [{ file, offset }] = recording.files
    const video = [...read(recording, file).tracks.values()].find(({ codec }) => codec === 'V_VP8')
    return video.times.map(time => recording.startedAt + offset * 1000 + time)
  }
  const early = frames(first)
  // On a busy machine the first picture may be late; the last ones may be in one of them alone.
  const late = frames(second).filter(time => time > early[0] - 40 && time < early.at(-1) + 40)
  assert.ok(late.length > 3, `${late.length} frames are in both: ${early.map(Math.round)} and ${frames(second).map(Math.round)}`)
  // Frames are 100 ms apart.
  const off = late.map(time => Math.min(...early.map(other => Math.abs(other - time))))
  t.diagnostic(`off by ${Math.max(...off).toFixed(1)} ms`)
  assert.ok(Math.max(...off) < 40, `off by ${off.map(Math.round)} ms`)
})

test('who leaves and returns under the same identity goes on in the same file, with a gap; anybody else in another one', async t => {
  const rooms = fixture.rooms(t)
  rooms.join('garden', { name: 'Host' })
  const room = rooms.get('garden')
  const recording = await room.record(folder(t))
  const ada = await fixture.join(t, rooms, 'Ada', { identity: 'ada' })
  const grace = await fixture.join(t, rooms, 'Grace')
  await recorded(recording, 0.8, 2)
  ada.leave()
  grace.leave()
  await new Promise(resolve => setTimeout(resolve, 700))
  await fixture.join(t, rooms, 'Ada', { identity: 'ada' })
  await fixture.join(t, rooms, 'Grace')
  await until(
    () => entry(recording, '03-Grace')?.duration > 0.8 && entry(recording, 'Ada').duration > 2.3,
    'both are recorded again',
    30_000
  )
  const { index } = await recording.stop()
  assert.deepEqual(index.files.map(({ file }) => file).sort(), ['01-Ada-camera.webm', '02-Grace-camera.webm', '03-Grace-camera.webm'])
  assert.equal(index.participants.filter(({ name }) => name === 'Ada').length, 2)
  const gap = longestGap(read(recording, '01-Ada-camera.webm'))
  assert.ok(gap > 600, `a gap of ${gap} ms`)
  assert.equal(read(recording, '01-Ada-camera.webm').tracks.size, 2, 'no new tracks in the file')
})

test('a participant whose connection is made anew goes on in the same file', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const recording = await ada.room.record(folder(t))
  await recorded(recording, 0.6)
  ada.setTransport(await fixture.transport(t))
  await recorded(recording, recording.files[0].duration + 1)
  await recording.stop()
  assert.equal(recording.files.length, 1)
  assert.equal(read(recording, recording.files[0].file).tracks.size, 2)
})

test('a screen has a file of its own; with `files: track` every track has', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const [screen] = [await fixture.join(t, rooms, 'Screen', { identity: 'screen' })]
  screen.setScreens(screen.publications.map(({ stream }) => stream.id))
  const each = await ada.room.record(folder(t), { files: 'track' })
  const together = await ada.room.record(folder(t), { name: 'together' })
  await Promise.all([recorded(each, 0.5, 4), recorded(together, 0.5, 2)])
  await Promise.all([each.stop(), together.stop()])
  assert.deepEqual(each.files.map(({ name, source }) => `${name} ${source}`).sort(), [
    'Ada camera',
    'Ada microphone',
    'Screen screen',
    'Screen screen-audio'
  ])
  assert.deepEqual(
    each.files.map(({ file }) => codecsOf(read(each, file)).length),
    [1, 1, 1, 1]
  )
  assert.deepEqual(together.files.map(({ name, source }) => `${name} ${source}`).sort(), ['Ada camera', 'Screen screen'])
  assert.equal(path.basename(together.directory), 'together')
})

test('a codec that WebM does not hold is in a Matroska file', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada', { codec: 'h264' })
  const recording = await ada.room.record(folder(t))
  await until(() => recording.files.find(({ format }) => format === 'mkv')?.duration > 0.5, 'a Matroska file', 20_000)
  await recording.stop()
  const last = recording.files.at(-1)
  assert.deepEqual(codecsOf(read(recording, last.file)), ['A_OPUS', 'V_MPEG4/ISO/AVC'])
  assert.ok(last.file.endsWith('.mkv'))
  assert.deepEqual(recording.index.skipped, [])
})

test('a limit ends a recording, and so does the last one who leaves', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const directory = folder(t)
  const long = await ada.room.record(directory, { name: 'long', maxDuration: 500 })
  const large = await ada.room.record(directory, { name: 'large', maxSize: 4000 })
  const forever = await ada.room.record(directory, { name: 'forever' })
  const results = await within(20_000, Promise.all([long.finished, large.finished]), 'the limits')
  assert.deepEqual(
    results.map(({ reason }) => reason),
    ['limit', 'limit']
  )
  for (const recording of [long, large]) assert.ok(read(recording, recording.files[0].file).whole)
  assert.ok(forever.active, 'nobody else is concerned')
  ada.leave()
  const { reason, index } = await forever.finished
  assert.deepEqual([reason, index.state, index.participants[0].left !== null], ['room-closed', 'finished', true])
  assert.ok(read(forever, index.files[0].file).whole)
})

test('what may not be recorded, or nowhere, is refused before anything is written', async t => {
  const rooms = fixture.rooms(t)
  const ada = rooms.join('garden', { name: 'Ada' })
  const { room } = ada
  const directory = folder(t)
  const record = options => room.record(directory, options)
  for (const name of ['../outside', '..', '/etc', 'a/b', 'a\\b', '.hidden', 'con', 'x'.repeat(129), '', 'a\0b']) {
    await refuses('ERR_INVALID_ARG', record({ name }), 'options.name')
  }
  await refuses('ERR_INVALID_ARG', record({ what: 'all' }), 'options.what')
  await refuses('ERR_INVALID_ARG', record({ maxsize: 1 }), 'options.maxsize')
  await refuses('ERR_INVALID_ARG', record({ retention: { days: 3 } }), 'options.retention.days')
  await refuses('ERR_INVALID_ARG', record({ maxSize: -1 }), 'options.maxSize')
  await refuses('ERR_INVALID_ARG', room.record(''), 'directory')
  await refuses('ERR_FORBIDDEN', record({ by: ada }))
  ada.setEncrypted(true)
  await refuses('ERR_ENCRYPTED', record())
  ada.setEncrypted(false)
  fs.writeFileSync(path.join(directory, 'file'), '')
  await refuses('ERR_IO', room.record(path.join(directory, 'file')))
  await refuses('ERR_IO', record({ minFree: Number.MAX_SAFE_INTEGER }))
  fs.mkdirSync(path.join(directory, 'there'))
  fs.symlinkSync('/tmp', path.join(directory, 'link'))
  for (const name of ['there', 'link', 'file']) await refuses('ERR_INVALID_ARG', record({ name }), 'options.name')
  assert.deepEqual(fs.readdirSync(directory).sort(), ['file', 'link', 'there'])

  const unmixed = fixture.rooms(t, { mixer: false }).join('garden', { name: 'Ada' }).room
  await refuses('ERR_ROOM_MODE', unmixed.record(directory, { what: 'mixed' }))
  room.setMode('p2p')
  await refuses('ERR_ROOM_MODE', record())
  room.setMode('sfu')
  const all = await Promise.all([1, 2, 3, 4].map(n => record({ name: `n${n}` })))
  await refuses('ERR_RECORDING_LIMIT', record())
  room.setMode('p2p')
  assert.deepEqual(
    (await Promise.all(all.map(({ finished }) => finished))).map(({ reason }) => reason),
    Array(4).fill('mode')
  )
})

test('of who sends nothing there is no file', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const silent = await fixture.join(t, rooms, 'Silent')
  for (const track of silent.tracks) track.withhold(true)
  const recording = await ada.room.record(folder(t))
  await recorded(recording, 0.8)
  const { index } = await recording.stop()
  assert.deepEqual(
    index.files.map(({ name }) => name),
    ['Ada']
  )
  assert.deepEqual(fs.readdirSync(recording.directory).sort(), ['01-Ada-camera.webm', 'index.json'])
})

test('who encrypts end to end and comes later is left out, and the index says so', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const recording = await ada.room.record(folder(t))
  const skipped = nextEvent(recording, 'skipped')
  const grace = rooms.join('garden', { name: 'Grace' })
  grace.setEncrypted(true)
  grace.setTransport(await fixture.transport(t))
  assert.deepEqual(await skipped, [grace, null, 'encrypted'])
  await recorded(recording, 0.5)
  const { index } = await recording.stop()
  assert.deepEqual(
    index.files.map(({ name }) => name),
    ['Ada']
  )
  assert.deepEqual(index.skipped, [{ participant: grace.id, name: 'Grace', kind: null, reason: 'encrypted' }])
})

const FULL = 'a full disk ends that recording alone: what was written plays, everybody is told, and the index says why'
test(...needingDisk(FULL), async t => {
  const small = smallDisk(t, 400_000)
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const full = await ada.room.record(small, { name: 'full', minFree: 0 })
  const roomy = await ada.room.record(folder(t))
  await recorded(full, 1)
  const telling = nextEvent(ada.room, 'recorded', 30_000)
  fill(small)
  const [told] = await telling
  assert.equal(told, full)
  assert.deepEqual([full.reason, full.error.code], ['error', 'ERR_IO'])
  assert.ok(roomy.active)
  await full.finished
  const index = indexOf(full)
  assert.deepEqual([index.state, index.reason], ['finished', 'error'])
  assert.match(index.error, /space/)
  const [{ file }] = index.files
  assert.ok([...read(full, file).tracks.values()].some(({ times }) => times.length > 10))
  const { reason, error } = await roomy.stop()
  assert.deepEqual([reason, error], ['stopped', null])
})

test(...needingDisk('too little free space ends it before the disk is full'), async t => {
  const small = smallDisk(t, 4_000_000)
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const recording = await ada.room.record(small, { minFree: 2_000_000 })
  await recorded(recording, 0.5)
  fs.writeFileSync(path.join(small, 'filling'), Buffer.alloc(2_500_000, 1))
  const { reason, error } = await within(10_000, recording.finished, 'the limit')
  assert.deepEqual([reason, error], ['limit', null])
  assert.ok(read(recording, recording.files[0].file).whole)
})

test('what is older or more than is to be kept goes, and what is recorded just now stays', async t => {
  const rooms = fixture.rooms(t)
  const { room } = rooms.join('garden', { name: 'Ada' })
  const directory = folder(t)
  const first = await room.record(directory, { name: 'first' })
  for (const [name, age] of [
    ['old', 9],
    ['older', 10],
    ['young', 1]
  ]) {
    fs.mkdirSync(path.join(directory, name))
    const file = path.join(directory, name, 'index.json')
    fs.writeFileSync(file, '{}')
    const then = new Date(Date.now() - age * 3600_000)
    fs.utimesSync(file, then, then)
  }
  const second = await room.record(directory, { name: 'second', retention: { maxAge: 8 * 3600_000 } })
  assert.deepEqual(fs.readdirSync(directory).sort(), ['first', 'second', 'young'])
  await first.stop()
  const third = await room.record(directory, { name: 'third', retention: { maxCount: 2 } })
  await second.stop()
  await third.stop()
  assert.deepEqual(fs.readdirSync(directory).sort(), ['second', 'third'])
})

test('what a process that was killed left is made whole', async t => {
  const rooms = fixture.rooms(t)
  const ada = await fixture.join(t, rooms, 'Ada')
  const recording = await ada.room.record(folder(t))
  await recorded(recording, 1.2)
  await until(() => indexOf(recording).files.length > 0, 'the index knows the file')
  // As it is on the disk in the middle of it.
  const left = folder(t)
  fs.cpSync(recording.directory, path.join(left, recording.name), { recursive: true })
  assert.deepEqual(await recoverRecordings(path.dirname(recording.directory)), [], 'what goes on is left alone')
  await recording.stop()
  assert.deepEqual(await recoverRecordings(left), [recording.name])
  const index = JSON.parse(fs.readFileSync(path.join(left, recording.name, 'index.json'), 'utf8'))
  assert.deepEqual([index.state, index.reason], ['finished', 'interrupted'])
  const [{ file, duration }] = index.files
  const repaired = readWebm(fs.readFileSync(path.join(left, recording.name, file)))
  assert.ok(repaired.whole && Math.abs(repaired.duration / 1000 - duration) < 0.01)
  assert.deepEqual(await recoverRecordings(left), [], 'once')
})
