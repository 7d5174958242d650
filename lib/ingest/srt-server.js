'use strict'

const { IngestServer, kAsk, kRefuse } = require('./ingest-server.js')
const { parseStreamId, split } = require('./stream-id.js')

/** Codes of SRT's access control, and those that it leaves to applications. */
const BAD_MODE = 1405
const BAD_REQUEST = 1400
const CODES = { least: 1000, most: 3999 }

/** Listens for encoders that push by SRT. */
class SrtServer extends IngestServer {
  #encrypted
  #authorize

  constructor(key, endpoint, made, options) {
    super(key, endpoint, made, options)
    this.#encrypted = (options.passphrase ?? null) !== null
    this.#authorize = options.authorize
  }

  get encrypted() {
    return this.#encrypted
  }

  async [kAsk]({ input, key: streamId, address }) {
    const { resource, mode, user } = parseStreamId(streamId)
    const { app, key } = split(resource)
    const asked = { input, app, key, streamId, address }
    if (mode !== 'publish') return [asked, mode === null ? BAD_REQUEST : BAD_MODE]
    return [asked, await this.#authorize({ streamId, resource, app, key, user, address })]
  }

  [kRefuse](native, input, said) {
    if (typeof said === 'number' && Number.isInteger(said) && said >= CODES.least && said <= CODES.most) {
      native.rejectInput(this.id, input, said)
    } else native.answerInput(this.id, input, false, '')
  }
}

module.exports = { SrtServer }
