'use strict'

const { ConduitReader } = require('./conduit-reader.js')
const { kWrap } = require('../object/internal.js')

/** Pictures of a mixer. */
class FrameReader extends ConduitReader {
  #format

  constructor(key, mixer, conduit, format) {
    super(key, mixer, conduit, { objectMode: true })
    this.#format = format
  }

  get format() {
    return this.#format
  }

  [kWrap]({ data, width, height, timestamp }) {
    return { data, width, height, timestamp, format: this.#format }
  }
}

module.exports = { FrameReader }
