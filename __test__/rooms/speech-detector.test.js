'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { SpeechDetector } = require('../../lib/rooms/speech-detector.js')

function listener(t) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const changes = []
  return { detector: new SpeechDetector(speaking => changes.push(speaking)), changes }
}

test('speech is one stretch while its pauses are short', t => {
  const { detector, changes } = listener(t)
  for (let word = 0; word < 5; word += 1) {
    detector.hear({ level: -25, voice: true })
    t.mock.timers.tick(500)
  }
  assert.deepEqual(changes, [true])
  t.mock.timers.tick(300)
  assert.deepEqual(changes, [true, false])
})

test('loud sound counts without the voice flag, quiet sound does not count with it', t => {
  const { detector, changes } = listener(t)
  detector.hear({ level: -70, voice: true })
  detector.hear({ level: -50, voice: false })
  detector.hear({ level: -127, voice: false })
  assert.deepEqual(changes, [])
  detector.hear({ level: -20, voice: false })
  assert.deepEqual(changes, [true])
})

test('stopping ends speech at once', t => {
  const { detector, changes } = listener(t)
  detector.hear({ level: -20, voice: true })
  detector.stop()
  detector.stop()
  assert.deepEqual(changes, [true, false])
})
