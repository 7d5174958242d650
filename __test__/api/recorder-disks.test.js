'use strict'

/** Disks that are full, forbidden or gone, of every format. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { repair } = require('../..')
const { within } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')
const { movingMixer } = require('../support/moving-mixer.js')
const { fill, needingDisk, smallDisk } = require('../support/small-disk.js')

const NOBODY = 65_534
const FILES = ['a.webm', 'a.mkv', 'a.mp4', 'a.ogg', 'a.wav']

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-disks-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

/** Makes mixed tracks in the codecs of all formats. */
async function mixers(t, endpoint) {
  const made = {}
  for (const codec of ['vp8', 'h264']) {
    const { mixer, stop } = await movingMixer(endpoint, { width: 160, height: 90, codecs: [codec] })
    t.after(stop)
    made[codec] = mixer
  }
  return made
}

/** Recorders of all formats, each with half a second in its file. */
async function recorders(t, endpoint, directory) {
  const { vp8, h264 } = await mixers(t, endpoint)
  return Promise.all(
    FILES.map(async name => {
      const recorder = await endpoint.createRecorder(path.join(directory, name), { fragment: 200 })
      const pictures = { 'a.webm': vp8, 'a.mkv': h264, 'a.mp4': h264 }[name]
      recorder.record((pictures ?? vp8).audio)
      if (pictures) recorder.record(pictures.video)
      while (recorder.info.duration < 0.5) await within(60_000, once(recorder, 'progress'), `progress of ${name}`)
      return recorder
    })
  )
}

/** Why a recorder closed, and with which error. */
function ended(recorder) {
  let failure = null
  recorder.on('error', error => (failure = error))
  // `once` would reject with the error that comes before.
  return new Promise(resolve => recorder.on('closed', reason => resolve({ reason, error: failure })))
}

test(...needingDisk('a full disk ends recordings of every format alone, and their files play and are repaired'), async t => {
  const small = smallDisk(t, 8_000_000)
  const endpoint = await loopbackEndpoint(t)
  const full = await recorders(t, endpoint, small)
  const roomy = await endpoint.createRecorder(path.join(folder(t), 'roomy.ogg'))
  roomy.record(endpoint.mixers[0].audio)
  const endings = full.map(ended)
  const filling = fill(small)
  for (const [index, ending] of endings.entries()) {
    const { reason, error } = await within(60_000, ending, FILES[index])
    assert.deepEqual([reason, error.code], ['error', 'ERR_IO'], FILES[index])
    assert.match(error.message, /space/, FILES[index])
  }
  while (roomy.info.duration < 0.5) await within(60_000, once(roomy, 'progress'), 'progress of another one')
  assert.equal((await roomy.close()).framesDropped, 0)
  for (const name of FILES) {
    const player = await endpoint.createPlayer(path.join(small, name))
    assert.ok(player.audio, name)
    assert.equal(player.video !== null, !['a.ogg', 'a.wav'].includes(name), name)
    await player.close()
  }
  fs.rmSync(filling)
  for (const name of FILES) {
    const { duration } = await repair(path.join(small, name))
    assert.ok(duration === null || duration > 0.3, `${name}: ${duration} s`)
  }
})

test('a directory that is deleted ends recordings of every format, and says so', async t => {
  const here = path.join(folder(t), 'recordings')
  fs.mkdirSync(here)
  const endpoint = await loopbackEndpoint(t)
  const all = await recorders(t, endpoint, here)
  const endings = all.map(ended)
  fs.rmSync(here, { recursive: true })
  for (const [index, ending] of endings.entries()) {
    const { reason, error } = await within(60_000, ending, FILES[index])
    assert.deepEqual([reason, error.code], ['error', 'ERR_IO'], FILES[index])
    assert.match(error.message, /deleted/, FILES[index])
  }
  assert.deepEqual(endpoint.recorders, [])
})

test('a directory that nobody may write to is told of, whatever the format', async t => {
  const here = folder(t)
  const closed = path.join(here, 'closed')
  fs.mkdirSync(closed, { mode: 0o500 })
  const endpoint = await loopbackEndpoint(t)
  const root = process.geteuid() === 0
  // Root may write anywhere.
  if (root) process.seteuid(NOBODY)
  try {
    for (const name of FILES) {
      await assert.rejects(endpoint.createRecorder(path.join(closed, name)), { code: 'ERR_IO', message: /[Pp]ermission/ }, name)
      await assert.rejects(endpoint.createRecorder(path.join(here, 'none', name)), { code: 'ERR_IO' }, name)
    }
  } finally {
    if (root) process.seteuid(0)
  }
  assert.deepEqual(fs.readdirSync(closed), [])
  assert.deepEqual(endpoint.recorders, [])
})
