'use strict'

const { ConduitReader } = require('./conduit-reader.js')
const { kWrap } = require('../object/internal.js')

/** Pictures of a mixer. */
class FrameReader extends ConduitReader {
  #format

  #raw

  constructor(key, mixer, conduit, { format, raw }) {
    super(key, mixer, conduit, { objectMode: !raw })
    this.#format = format
    this.#raw = raw
  }

  get format() {
    return this.#format
  }

  [kWrap]({ data, width, height, timestamp }) {
    if (this.#raw) return data
    return { data, width, height, timestamp, format: this.#format }
  }
}

module.exports = { FrameReader }
