'use strict'

/**
 * Records a tone and pictures into a file of each format, in the folder that it is given, until it is killed. Says when it begins, in
 * an empty line, and once each has half a second when that half second began, in milliseconds since 1970.
 */

const path = require('node:path')
const { Endpoint } = require('../..')
const { movingMixer } = require('./moving-mixer.js')

async function main(folder) {
  const endpoint = (await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })).ref()
  const mixers = {}
  for (const codec of ['vp8', 'h264']) {
    mixers[codec] = (await movingMixer(endpoint, { width: 160, height: 90, codecs: [codec] })).mixer
  }
  const begun = []
  const recorders = new Map()
  for (const [name, mixer, pictures] of [
    ['a.webm', mixers.vp8, true],
    ['a.mkv', mixers.h264, true],
    ['a.mp4', mixers.h264, true],
    ['a.ogg', mixers.vp8, false],
    ['a.wav', mixers.vp8, false]
  ]) {
    const recorder = await endpoint.createRecorder(path.join(folder, name), { fragment: 200 })
    recorders.set(name, recorder)
    recorder.record(mixer.audio)
    if (pictures) recorder.record(mixer.video)
    begun.push(
      new Promise(resolve => {
        recorder.on('progress', ({ duration }) => duration > 0.5 && resolve())
      })
    )
  }
  process.stdout.write('\n')
  await Promise.all(begun)
  const beginnings = {}
  for (const [name, recorder] of recorders) {
    const asked = Date.now()
    const { position } = await recorder.getStats()
    beginnings[name] = (asked + Date.now()) / 2 - position * 1000
  }
  process.stdout.write(`${JSON.stringify(beginnings)}\n`)
}

main(process.argv[2])
