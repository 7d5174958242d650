'use strict'

const { IngestServer, kAsk, kRefuse } = require('./ingest-server.js')

/** Listens for encoders that push by RTMP. */
class RtmpServer extends IngestServer {
  #secure
  #authorize

  constructor(key, endpoint, made, options) {
    super(key, endpoint, made, options)
    this.#secure = options.tls !== undefined
    this.#authorize = options.authorize
  }

  get secure() {
    return this.#secure
  }

  async [kAsk](event) {
    const { app, key, address } = event
    return [event, await this.#authorize({ app, key, address })]
  }

  [kRefuse](native, input) {
    native.answerInput(this.id, input, false, 'not authorized: is the stream key right?')
  }
}

module.exports = { RtmpServer }
