'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

const SAMPLES = 960

/**
 * A mixer with ports made and closed, fed by whoever sends and by JavaScript, read and shown, for so
 * many milliseconds. Slots of speakers live as long.
 */
async function mix(endpoint, { milliseconds }) {
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 240, frameRate: 10 } })
  mixer.on('error', () => {})
  const tracks = endpoint.transports.flatMap(transport => transport.incomingTracks)
  const slots = endpoint.createSpeakerSlots(2, { video: 1 })
  for (const track of tracks.filter(track => track.kind === 'audio')) slots.detector.add(track)

  const ports = tracks.slice(0, 4).map(track => mixer.addPort({ label: `port of ${track.id}` }).attachTo(track))
  const speaking = mixer.addPort({ label: 'an agent' })
  const writer = speaking.createPcmWriter()
  const painting = mixer.addPort()
  const frames = painting.createFrameWriter()
  for (const stream of [writer, frames]) stream.on('error', () => {})
  const sound = mixer.createPcmReader()
  const pictures = mixer.createFrameReader({ frameRate: 5 })
  let heard = 0
  let seen = 0
  sound.on('data', () => heard++)
  pictures.on('data', () => seen++)

  const until = Date.now() + milliseconds
  for (let turn = 0; Date.now() < until && !mixer.closed; turn++) {
    writer.write(new Int16Array(SAMPLES).fill(turn % 2 === 0 ? 3000 : -3000))
    frames.write({ data: Buffer.alloc((160 * 120 * 3) / 2, turn), format: 'i420', width: 160, height: 120 })
    const passing = mixer.addPort({ label: 'a passer-by', autoGain: true })
    passing.setTone({ frequency: 440 })
    await sleep(100)
    passing.close()
    if (turn === 3) await mixer.snapshot({ width: 160 })
    if (turn === 5) mixer.setLayout('speaker')
  }
  sound.destroy()
  for (const port of ports.slice(0, 2)) port.close()
  slots.detector.close()
  await mixer.close()
  return { heard, seen }
}

module.exports = { mix }
