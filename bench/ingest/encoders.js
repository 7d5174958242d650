'use strict'

/**
 * Encoders in a process of their own: they push, and measure what comes back by RTP. Told by messages of
 * who forked it.
 */

const dgram = require('node:dgram')
const { once } = require('node:events')
const { FRAME_RATE, GROUP, stamp, stamped } = require('./streams.js')

/** By what they push. */
const PROTOCOLS = {
  rtmp: () => ({ ...require('./encoder.js'), ...require('./streams.js') }),
  srt: () => ({ ...require('./srt-encoder.js'), ...require('./ts-streams.js') })
}

/** Milliseconds between looks at what is due. */
const TICK = 4
/** Sound is silent every other second, so that its beginning shows how late it is. */
const SOUND_SECONDS = 1
/** Opus of silence is smaller than this, of a tone larger. */
const LOUD = 40

const now = () => performance.timeOrigin + performance.now()
const latencies = { pictures: [], sound: [] }
let counting = false
/** When the tone was last pushed behind silence: of all inputs at once. */
let toneBegan = 0

function note(kind, milliseconds) {
  if (counting && latencies[kind].length < 100_000) latencies[kind].push(milliseconds)
}

/** Receives what the endpoint sends of what was pushed. */
async function receive() {
  const pictures = new Map()
  const loud = new Map()
  const video = dgram.createSocket({ type: 'udp4', recvBufferSize: 8 << 20 })
  video.on('message', packet => {
    const ssrc = packet.readUInt32BE(8)
    const moment = stamped(packet)
    if (moment !== null) pictures.set(ssrc, moment)
    // The marker is on the last packet of a picture.
    const pushed = packet[1] & 0x80 ? pictures.get(ssrc) : undefined
    if (pushed === undefined) return
    pictures.delete(ssrc)
    note('pictures', now() - pushed)
  })
  const audio = dgram.createSocket({ type: 'udp4', recvBufferSize: 8 << 20 })
  audio.on('message', packet => {
    const ssrc = packet.readUInt32BE(8)
    const isLoud = packet.length > LOUD + 12
    if (isLoud && loud.get(ssrc) === false) note('sound', now() - toneBegan)
    loud.set(ssrc, isLoud)
  })
  for (const socket of [video, audio]) {
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
  }
  return { video: video.address().port, audio: audio.address().port }
}

/** Pushes what is due of one input. */
class Pushing {
  #at
  #encoder
  #pictures
  #sound
  #frames = 0
  #sounds = 0

  #silent = false
  #began

  constructor(encoder, { at, configuration, pictures, sound }, began) {
    this.#at = at
    this.#encoder = encoder
    this.#pictures = pictures
    this.#sound = sound
    this.#began = began
    if (pictures) encoder.write(configuration)
    if (sound.begin) encoder.write(sound.begin)
  }

  push(moment) {
    const passed = moment - this.#began
    if (passed < 0) return
    this.#encoder.cork()
    for (; this.#pictures && (this.#frames * 1000) / FRAME_RATE <= passed; this.#frames++) {
      const made = this.#at(this.#pictures[this.#frames % GROUP === 0 ? 0 : 1], Math.round((this.#frames * 1000) / FRAME_RATE))
      stamp(made, now())
      this.#encoder.write(made)
    }
    for (; this.#sounds * this.#sound.milliseconds <= passed; this.#sounds++) {
      const time = this.#sounds * this.#sound.milliseconds
      const silent = this.#sound.silence !== null && Math.floor(time / 1000 / SOUND_SECONDS) % 2 === 1
      if (!silent && this.#silent) toneBegan = now()
      this.#silent = silent
      const { frames, silence } = this.#sound
      this.#encoder.write(this.#at(silent ? silence : frames[this.#sounds % frames.length], Math.round(time)))
    }
    this.#encoder.uncork()
  }
}

function distribution(values) {
  const sorted = values.sort((a, b) => a - b)
  const part = share => sorted[Math.floor(sorted.length * share)] ?? null
  return { count: sorted.length, p50: part(0.5), p95: part(0.95) }
}

async function main(plan) {
  const ports = await receive()
  process.send({ ports })
  const [{ port }] = await once(process, 'message')
  const { Encoder, SOUNDS, at, configuration, picture } = PROTOCOLS[plan.protocol]()
  const encoders = []
  for (let index = 0; index < plan.inputs; index++) encoders.push(await Encoder.publish(port, 'bench', String(index)))
  const pictures = plan.pictures ? [picture(true), picture(false)] : null
  const sound = SOUNDS[plan.sound]()
  const began = now()
  // Pictures of several encoders come one after the other; tones begin at one moment.
  const phase = index => (pictures ? (index * 1000) / FRAME_RATE / plan.inputs : 0)
  const inputs = encoders.map((encoder, index) => new Pushing(encoder, { at, configuration, pictures, sound }, began + phase(index)))
  setInterval(() => {
    for (const input of inputs) input.push(now())
  }, TICK)
  process.on('message', message => {
    if (message === 'count') counting = true
    if (message !== 'tell') return
    counting = false
    process.send({ pictures: distribution(latencies.pictures), sound: distribution(latencies.sound) })
  })
  process.send('pushing')
}

void main(JSON.parse(process.argv[2]))
process.on('disconnect', () => process.exit())
