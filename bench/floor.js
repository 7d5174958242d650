'use strict'

const { measureFloors } = require('./load.js')

const AUDIO_PACKETS = 50
const FRAMES = 30
const LARGEST_PAYLOAD = 1180

/** How a source's packets come: as bench/load/src/publication.rs sends them. */
function shapesOf(scenario) {
  const source = scenario.clients.find(client => client.audio?.kilobits || client.video?.kilobits)
  const shapes = []
  if (source?.audio?.kilobits) {
    const payload = Math.floor((source.audio.kilobits * 125) / AUDIO_PACKETS)
    shapes.push({ burst: 1, payload, packetsPerSecond: AUDIO_PACKETS })
  }
  if (source?.video?.kilobits) {
    const bytes = Math.floor((source.video.kilobits * 125) / FRAMES)
    const burst = Math.ceil(bytes / LARGEST_PAYLOAD)
    shapes.push({ burst, payload: Math.floor(bytes / burst), packetsPerSecond: FRAMES * burst })
  }
  return shapes
}

/**
 * The key of AES-GCM in the floor, as negotiated. AES-CM has none here, and gets the cheapest of GCM
 * to be compared with.
 */
function keyBits(cipher) {
  return cipher?.includes('AES_256') ? 256 : 128
}

/**
 * What a forwarded packet of the scenario costs at least, in microseconds of CPU: the packets of a
 * source weighed by how often they come, and receiving them shared by those they go to.
 */
async function floorOf(program, scenario, { sourceShare, cipher }) {
  const shapes = shapesOf(scenario)
  if (shapes.length === 0 || sourceShare === null) return null
  const floors = await measureFloors(
    program,
    shapes.map(({ burst, payload }) => ({ burst, payload, key: keyBits(cipher) }))
  )
  const packets = shapes.reduce((sum, shape) => sum + shape.packetsPerSecond, 0)
  const nanoseconds = floors.reduce((sum, floor, index) => {
    const weight = shapes[index].packetsPerSecond / packets
    return sum + weight * (floor.seal_and_send + floor.receive_and_open * sourceShare)
  }, 0)
  return nanoseconds / 1000
}

module.exports = { floorOf, shapesOf }
