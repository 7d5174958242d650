'use strict'

const { ConduitReader } = require('./conduit-reader.js')
const { kWrap } = require('../object/internal.js')

/** Sound of a mixer, frame by frame. */
class PcmReader extends ConduitReader {
  #format

  constructor(key, mixer, conduit, format) {
    super(key, mixer, conduit, { objectMode: !format.raw })
    this.#format = format
  }

  get sampleRate() {
    return this.#format.sampleRate
  }

  get channels() {
    return this.#format.channels
  }

  get frameDuration() {
    return this.#format.frameDuration
  }

  [kWrap]({ samples, timestamp }) {
    if (this.#format.raw) return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
    return { samples, timestamp, sampleRate: this.sampleRate, channels: this.channels }
  }
}

module.exports = { PcmReader }
