'use strict'

const { MediaOutput } = require('./media-output.js')

/** Sends tracks by SRT, to somebody or to whoever calls. */
class SrtOutput extends MediaOutput {
  #port

  constructor(key, endpoint, made, sources, appData) {
    super(key, endpoint, made?.id, sources, appData)
    this.#port = made.port
  }

  get port() {
    return this.#port
  }
}

module.exports = { SrtOutput }
