'use strict'

/**
 * `kill -9` at random moments: every file opens and plays as it is, and a repair makes it seekable. KILLS says how many. What is
 * lost at most is tested on fake time (`src/engine/recorder/tests.rs`); here it is told, as it depends on what else the machine does.
 */

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
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

/** A folder of files that were being written at a random moment, and how many seconds of each there were by then. */
async function killed(t, delay) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-killed-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, [CHILD, folder], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await within(60_000, once(child.stdout.setEncoding('utf8'), 'data'), 'the recordings')
  await sleep(delay)
  const now = Date.now()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const begun = Object.entries(JSON.parse(line))
  return { folder, seconds: Object.fromEntries(begun.map(([name, at]) => [name, (now - at) / 1000])) }
}

/** The middle and the largest, in whole milliseconds. */
function told(losses) {
  const sorted = losses.map(loss => Math.round(loss * 1000)).toSorted((a, b) => a - b)
  return { middle: sorted[sorted.length >> 1], most: sorted.at(-1) }
}

test(...needing(['ffmpeg', 'ffprobe'], `${KILLS} times kill -9: files of every format play as they are`), async t => {
  const lost = Object.fromEntries(Object.keys(STREAMS).map(name => [name, []]))
  let cut = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const { folder, seconds } = await killed(t, Math.random() * 700)
    for (const [name, codecs] of Object.entries(STREAMS)) {
      const file = path.join(folder, name)
      const before = probe(file)
      assert.deepEqual(before.streams.map(([codec]) => codec).sort(), codecs, name)
      assert.ok(
        before.streams.every(([, packets]) => packets > 0),
        `${name}: ${JSON.stringify(before)}`
      )
      decode(file)
      const repaired = await repair(file)
      const after = probe(file)
      for (const [index, [, packets]] of before.streams.entries()) {
        // ffprobe counts a frame of which only the beginning is there.
        assert.ok(packets - after.streams[index][1] <= 1, `${name}: ${JSON.stringify([before, after])}`)
      }
      if (repaired.duration !== null) assert.ok(Math.abs(after.duration - repaired.duration) < 0.1, `${name}: ${after.duration}`)
      cut += repaired.cut ? 1 : 0
      lost[name].push(seconds[name] - after.duration)
    }
  }
  const losses = Object.entries(lost).map(([name, losses]) => [name, told(losses)])
  t.diagnostic(`${KILLS * losses.length} files, ${cut} ended within something; lost, in ms: ${JSON.stringify(Object.fromEntries(losses))}`)
})
