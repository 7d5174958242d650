'use strict'

const { EventEmitter } = require('node:events')
const { emit, emitRejection } = require('./emit.js')
const { MediaLoomError } = require('./error.js')
const { keepingHooks } = require('./hooks.js')
const { kAnnounceClosed, kChildren, kConstruct, kForget, kHandle, kMarkClosed } = require('./internal.js')

/** What all objects of the package have in common. */
class MediaObject extends EventEmitter {
  #id
  #closed = false
  #appData

  constructor(key, id, appData) {
    if (key !== kConstruct) {
      throw new MediaLoomError('ERR_INVALID_STATE', 'objects are made by their parent, an endpoint by Endpoint.create()')
    }
    super({ captureRejections: true })
    this.#id = id
    this.#appData = appData
  }

  get id() {
    return this.#id
  }

  get appData() {
    return this.#appData
  }

  set appData(value) {
    this.#appData = value
  }

  get closed() {
    return this.#closed
  }

  [EventEmitter.captureRejectionSymbol](error, event) {
    emitRejection(this, error, event)
  }

  /** Takes away what the application added; what the engine hears of listeners by stays. */
  removeAllListeners(...names) {
    keepingHooks(this, () => super.removeAllListeners(...names))
    return this
  }

  [kHandle]() {}

  [kChildren]() {
    return []
  }

  [kMarkClosed]() {
    this.#closed = true
  }

  [kForget]() {}

  [kAnnounceClosed](reason) {
    emit(this, 'closed', reason)
  }
}

module.exports = { MediaObject }
