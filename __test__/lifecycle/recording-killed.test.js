'use strict'

/**
 * `kill -9` at random moments: every file opens and plays as it is, and a repair makes it seekable. KILLS says how many, FORMATS
 * (`webm,mp4`) of which files; every other one comes before half a second is recorded, when files are only begun. What is lost at
 * most is tested on fake time (`src/engine/recorder/tests.rs`); here it is told, as it depends on what else the machine does.
 */

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { createInterface } = require('node:readline')
const { setTimeout: sleep } = require('node:timers/promises')
const { test } = require('node:test')
const { repair } = require('../..')
const { within } = require('../support/events.js')
const { decode, needing, probe } = require('../support/players.js')

const KILLS = Number(process.env.KILLS ?? 3)
const CHILD = path.join(__dirname, '..', 'support', 'recording-child.js')
const STREAMS = {
  'a.webm': ['opus', 'vp8'],
  'a.mkv': ['h264', 'opus'],
  'a.mp4': ['h264', 'opus'],
  'a.ogg': ['opus'],
  'a.wav': ['pcm_s16le']
}

/** Bytes that say that a file has frames: the first cluster, fragment, third page or sample. */
const FRAMES = {
  '.webm': bytes => bytes.includes('1f43b675', 0, 'hex'),
  '.mkv': bytes => bytes.includes('1f43b675', 0, 'hex'),
  '.mp4': bytes => bytes.includes('moof'),
  '.ogg': bytes => bytes.toString('latin1').split('OggS').length > 3,
  '.wav': bytes => bytes.length > 1_000
}

/** Those that are looked at. */
const FORMATS = Object.keys(STREAMS).filter(name => (process.env.FORMATS ?? name).includes(path.extname(name).slice(1)))
assert.ok(FORMATS.length > 0, 'FORMATS names none')

const hasFrames = file => FRAMES[path.extname(file)](fs.readFileSync(file))

/**
 * A folder of files that were being written at a random moment, and how many seconds of each there were by then; `null` where that
 * was before half a second.
 */
async function killed(t, early) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-killed-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, [CHILD, folder], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await within(60_000, lines.next(), 'the recorders')
  const { value: line } = early ? {} : await within(60_000, lines.next(), 'the recordings')
  await sleep(Math.random() * 700)
  const now = Date.now()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const seconds = line && Object.fromEntries(Object.entries(JSON.parse(line)).map(([name, at]) => [name, (now - at) / 1000]))
  return { folder, seconds: seconds ?? null }
}

/** The middle and the largest, in whole milliseconds. */
function told(losses) {
  const sorted = losses.map(loss => Math.round(loss * 1000)).toSorted((a, b) => a - b)
  return { middle: sorted[sorted.length >> 1], most: sorted.at(-1) }
}

/** Looks at a file as it was left, and once more when it is repaired. Gives how long it is, and whether something was cut off. */
async function openAndRepair(file, codecs) {
  const before = probe(file)
  // Of a track that has just begun nothing may be there but that it is.
  decode(
    file,
    [...before.streams.entries()].filter(([, [, packets]]) => packets > 0).map(([index]) => index)
  )
  const { duration, cut } = await repair(file)
  const after = probe(file)
  for (const [index, [, packets]] of before.streams.entries()) {
    // ffprobe counts a frame of which only the beginning is there.
    assert.ok(packets - after.streams[index][1] <= 1, `${file}: ${JSON.stringify([before, after])}`)
  }
  if (duration !== null) assert.ok(Math.abs(after.duration - duration) < 0.1, `${file}: ${after.duration}`)
  if (codecs) {
    assert.deepEqual(before.streams.map(([codec]) => codec).sort(), codecs, file)
    assert.ok(
      before.streams.every(([, packets]) => packets > 0),
      `${file}: ${JSON.stringify(before)}`
    )
  }
  return { duration: after.duration, cut: Boolean(cut) }
}

test(...needing(['ffmpeg', 'ffprobe'], `${KILLS} times kill -9: files of every format play as they are`), async t => {
  const lost = Object.fromEntries(FORMATS.map(name => [name, []]))
  const count = { files: 0, withoutFrames: 0, cut: 0 }
  const failed = []
  for (let kill = 0; kill < KILLS; kill++) {
    const { folder, seconds } = await killed(t, kill % 2 === 1)
    for (const name of FORMATS) {
      const file = path.join(folder, name)
      if (!seconds && !hasFrames(file)) {
        count.withoutFrames++
        continue
      }
      count.files++
      try {
        const { duration, cut } = await openAndRepair(file, seconds && STREAMS[name])
        if (cut) count.cut++
        if (seconds) lost[name].push(seconds[name] - duration)
      } catch (error) {
        failed.push(`${name}: ${error.message}`)
      }
    }
    fs.rmSync(folder, { recursive: true })
  }
  const losses = Object.fromEntries(Object.entries(lost).map(([name, losses]) => [name, told(losses)]))
  const { files, withoutFrames, cut } = count
  t.diagnostic(`${KILLS} kills left ${files} files with frames, ${cut} of which end within something, and ${withoutFrames} without`)
  t.diagnostic(`${failed.length} do not open, play or become whole; lost, in ms: ${JSON.stringify(losses)}`)
  assert.deepEqual(failed, [])
})
