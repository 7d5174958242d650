'use strict'

/** A mixer that makes a tone, and pictures that change. `stop` ends the changes. */
async function movingMixer(endpoint, video = {}) {
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, frameRate: 15, ...video } })
  const port = mixer.addPort({ label: 'Ada' })
  port.setTone({ frequency: 440, level: -20 })
  const writer = port.createFrameWriter()
  let picture = 0
  const timer = setInterval(() => {
    const data = Buffer.alloc(64 * 36 * 4, 255)
    data.fill(picture++ % 200, 0, data.length / 2)
    if (writer.writable) writer.write({ data, format: 'rgba', width: 64, height: 36 })
  }, 66)
  return { mixer, stop: () => clearInterval(timer) }
}

module.exports = { movingMixer }
