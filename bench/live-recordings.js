'use strict'

/** Recordings and players in a process with its threads and its clock: memory of many at once, and how soon a player shows something. */

const crypto = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { Endpoint } = require('..')

const RECORDINGS = 1_000
/** Until files and buffers are there, and then how long is watched. */
const SETTLING = 10_000
const WATCHED = 20_000
const STARTS = 20
/** Pictures that nothing foretells, so that they take the bitrate that they may. */
const NOISE = { width: 160, height: 90, rate: 15 }

/** Shows noise on a port. Gives what ends it. */
function noise(port) {
  const writer = port.createFrameWriter()
  const { width, height, rate } = NOISE
  const timer = setInterval(() => {
    if (writer.writable) writer.write({ data: crypto.randomBytes(width * height * 4), format: 'rgba', width, height })
  }, 1000 / rate)
  return () => clearInterval(timer)
}

async function mixing(folder, run) {
  // What is waited for at the end is the engine alone, which would keep no process alive.
  const endpoint = (await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })).ref()
  const here = fs.mkdtempSync(path.join(folder, 'bench-live-'))
  try {
    const video = { width: 320, height: 180, frameRate: 15, bitrate: 200_000, codecs: ['vp8'] }
    const mixer = await endpoint.createMixer({ audio: true, video })
    const port = mixer.addPort()
    port.setTone({ frequency: 440, level: -20 })
    const stop = noise(port)
    return await run(endpoint, mixer, here).finally(stop)
  } finally {
    await endpoint.close()
    fs.rmSync(here, { recursive: true, force: true })
  }
}

/** What a thousand recordings of one track take, and how that grows. */
function crowd(folder) {
  return mixing(folder, async (endpoint, mixer, here) => {
    const before = process.memoryUsage().rss
    const recorders = []
    for (let number = 0; number < RECORDINGS; number++) {
      const recorder = await endpoint.createRecorder(path.join(here, `${number}.webm`))
      recorder.record(mixer.video)
      recorder.record(mixer.audio)
      recorders.push(recorder)
    }
    await sleep(SETTLING)
    const settled = process.memoryUsage().rss
    const cpu = process.cpuUsage()
    await sleep(WATCHED)
    const { user, system } = process.cpuUsage(cpu)
    const grown = process.memoryUsage().rss - settled
    const infos = await Promise.all(recorders.map(recorder => recorder.close()))
    const sum = of => infos.reduce((sum, info) => sum + of(info), 0)
    const seconds = sum(info => info.duration)
    if (seconds < (RECORDINGS * WATCHED) / 1000) throw new Error(`a recording has ${seconds / RECORDINGS} s`)
    return {
      kind: 'crowd',
      name: `${RECORDINGS} recordings at once`,
      bitrate: (sum(info => info.bytes) * 8) / seconds,
      memoryBytes: (settled - before) / RECORDINGS,
      growthBytes: grown / RECORDINGS / (WATCHED / 1000),
      cores: (user + system) / 1000 / WATCHED,
      framesDropped: sum(info => info.framesDropped)
    }
  })
}

/** From `play()` to the first picture that is sent, and from the file to a player, in milliseconds. */
function playerStart(folder) {
  return mixing(folder, async (endpoint, mixer, here) => {
    const recorder = await endpoint.createRecorder(path.join(here, 'film.webm'))
    recorder.record(mixer.video)
    recorder.record(mixer.audio)
    while (recorder.info.duration < 2) await once(recorder, 'progress')
    await recorder.close()
    const [opening, starting] = [[], []]
    for (let start = 0; start < STARTS; start++) {
      const before = performance.now()
      const player = await endpoint.createPlayer(recorder.file)
      opening.push(performance.now() - before)
      const played = performance.now()
      player.play()
      while ((await player.getStats()).video.frames === 0) await sleep(1)
      starting.push(performance.now() - played)
      await player.close()
    }
    const middle = times => times.toSorted((a, b) => a - b)[STARTS >> 1]
    return {
      kind: 'player',
      name: 'a player of WebM',
      openingMs: middle(opening),
      startMs: middle(starting),
      mostMs: Math.max(...starting)
    }
  })
}

module.exports = { crowd, playerStart }
