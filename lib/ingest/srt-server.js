'use strict'

const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { MediaInput } = require('./media-input.js')
const { parseStreamId, split } = require('./stream-id.js')

/** Codes of SRT's access control, and those that it leaves to applications. */
const BAD_MODE = 1405
const BAD_REQUEST = 1400
const CODES = { least: 1000, most: 3999 }

/** Listens for encoders that push by SRT. */
class SrtServer extends MediaObject {
  #endpoint
  #port
  #encrypted
  #authorize
  #inputs = new Map()
  /** Who asked and was not answered yet. */
  #asking = new Set()
  #closing

  constructor(key, endpoint, made, options) {
    super(key, made?.id, options?.appData)
    this.#endpoint = endpoint
    this.#port = made.port
    this.#encrypted = (options.passphrase ?? null) !== null
    this.#authorize = options.authorize
    this[kDispatcher].add(this.id, this)
  }

  get [kDispatcher]() {
    return this.#endpoint[kDispatcher]
  }

  get endpoint() {
    return this.#endpoint
  }

  get port() {
    return this.#port
  }

  get encrypted() {
    return this.#encrypted
  }

  get inputs() {
    return [...this.#inputs.values()]
  }

  close() {
    this.#closing ??= this.closed ? Promise.resolve() : finish(this, (native, request) => native.closeIngestServer(request, this.id))
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'inputAsks':
        this.#ask(event)
        break
      case 'inputWithdrawn':
        if (!this.#asking.delete(event.input)) this.#left(event.input)
        break
      case 'ingestServerFailed':
        emitError(this, fromNative(event.error))
        announce(mark(this, 'error'))
        break
    }
  }

  async #ask({ input, key: streamId, address }) {
    const { resource, mode, user } = parseStreamId(streamId)
    const { app, key } = split(resource)
    this.#asking.add(input)
    /** @type {boolean | number} */
    let said = mode === null ? BAD_REQUEST : BAD_MODE
    try {
      if (mode === 'publish') said = await this.#authorize({ streamId, resource, app, key, user, address })
    } catch (error) {
      emitError(this, fromNative(error))
      said = false
    }
    // He may have gone meanwhile, or the server have closed.
    if (!this.#asking.delete(input) || this.closed) return
    if (said === true) {
      const made = new MediaInput(kConstruct, this, { input, app, key, streamId, address })
      this.#inputs.set(made.id, made)
      emit(this, 'input', made)
      // A listener did not want it.
      if (made.closed) return
      this[kDispatcher].insist(native => native.answerInput(this.id, input, true, ''))
    } else if (typeof said === 'number' && Number.isInteger(said) && said >= CODES.least && said <= CODES.most) {
      this[kDispatcher].insist(native => native.rejectInput(this.id, input, said))
    } else {
      this[kDispatcher].insist(native => native.answerInput(this.id, input, false, ''))
    }
  }

  /** It went while it was being let in. */
  #left(id) {
    const input = this.#inputs.get(id)
    if (input) announce(mark(input, 'remote'))
  }

  [kChildren]() {
    return [...this.#inputs.values()]
  }

  [kRemove](input) {
    this.#inputs.delete(input.id)
  }

  [kForget]() {
    this[kDispatcher].remove(this.id)
    this.#endpoint[kRemove](this)
  }
}

module.exports = { SrtServer }
