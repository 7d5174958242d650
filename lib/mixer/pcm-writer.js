'use strict'

const check = require('../object/check.js')
const { ConduitWriter } = require('./conduit-writer.js')
const { kUnwrap } = require('../object/internal.js')

/** Milliseconds of one write. */
const MAX_LENGTH = 1000

/** Sound of an application, as a port's source. */
class PcmWriter extends ConduitWriter {
  #conduit
  #sampleRate
  #channels
  /** Milliseconds that the engine has taken, without what was taken back. */
  #accepted = 0

  constructor(key, mixer, conduit, { sampleRate, channels }) {
    super(key, mixer, conduit)
    this.#conduit = conduit
    this.#sampleRate = sampleRate
    this.#channels = channels
  }

  get sampleRate() {
    return this.#sampleRate
  }

  get channels() {
    return this.#channels
  }

  /** Milliseconds of what was written that were played. */
  get position() {
    return this.#conduit.played
  }

  /** Milliseconds of what was written that were not played yet. */
  get waiting() {
    return Math.max(0, this.#accepted - this.position)
  }

  clear() {
    super.clear()
    this.#accepted = this.position
  }

  [kUnwrap](conduit, chunk) {
    const whole = chunk instanceof Int16Array || Buffer.isBuffer(chunk) ? { samples: chunk } : chunk
    const { samples: given, timestamp } = check.options(whole, 'frame', ['samples', 'timestamp', 'sampleRate', 'channels'])
    const samples = samplesOf(given)
    const longest = (this.#sampleRate * this.#channels * MAX_LENGTH) / 1000
    if (samples.length === 0 || samples.length > longest || samples.length % this.#channels !== 0) {
      throw check.invalid('frame.samples', `1 to ${longest} samples, as many of each channel`, samples.length)
    }
    if (timestamp !== undefined) check.positive(timestamp, 'frame.timestamp')
    const length = (samples.length * 1000) / this.#channels / this.#sampleRate
    return () => {
      const taken = conduit.offer(samples, this.#sampleRate, this.#channels, timestamp)
      if (taken) this.#accepted += length
      return taken
    }
  }
}

/** Bytes are little-endian samples, as in WAV. */
function samplesOf(given) {
  if (given instanceof Int16Array) return given
  if (!Buffer.isBuffer(given) || given.length % 2 !== 0) {
    throw check.invalid('frame.samples', 'an Int16Array, or a Buffer of 16-bit samples', given)
  }
  const aligned = given.byteOffset % 2 === 0 ? given : Buffer.from(given)
  const copy = aligned.byteOffset % 2 === 0 ? aligned : new Uint8Array(aligned).slice()
  return new Int16Array(copy.buffer, copy.byteOffset, copy.length / 2)
}

module.exports = { PcmWriter }
