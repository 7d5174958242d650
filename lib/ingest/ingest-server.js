'use strict'

const { announce, finish, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { fromNative } = require('../object/error.js')
const { kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')
const { MediaInput } = require('./media-input.js')

/** Whether somebody may publish, said by one protocol. */
const kAsk = Symbol('ask')
/** What he is told who may not. */
const kRefuse = Symbol('refuse')

/** Listens for encoders that push, whatever they speak. */
class IngestServer extends MediaObject {
  #endpoint
  #port
  #inputs = new Map()
  /** Who asked and was not answered yet. */
  #asking = new Set()
  #closing

  constructor(key, endpoint, made, options) {
    super(key, made?.id, options?.appData)
    this.#endpoint = endpoint
    this.#port = made.port
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

  async #ask(event) {
    const { input } = event
    this.#asking.add(input)
    /** @type {unknown} */
    let said = false
    let asked = event
    try {
      ;[asked, said] = await this[kAsk](event)
    } catch (error) {
      emitError(this, fromNative(error))
    }
    // It may have gone meanwhile, or the server have closed.
    if (!this.#asking.delete(input) || this.closed) return
    if (said !== true) {
      this[kDispatcher].insist(native => this[kRefuse](native, input, said))
      return
    }
    const made = new MediaInput(kConstruct, this, asked)
    this.#inputs.set(made.id, made)
    emit(this, 'input', made)
    // A listener did not want it.
    if (made.closed) return
    this[kDispatcher].insist(native => native.answerInput(this.id, input, true, ''))
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

module.exports = { IngestServer, kAsk, kRefuse }
