'use strict'

const { kAdd, kChildren, kRemove } = require('../object/internal.js')
const { MediaObject } = require('../object/media-object.js')

/** What outgoing tracks attach to. The transponders that take it close with it. */
class Source extends MediaObject {
  /** There from the first one on. */
  #transponders = null

  get transponders() {
    return [...(this.#transponders ?? [])]
  }

  [kAdd](transponder) {
    this.#transponders ??= new Set()
    this.#transponders.add(transponder)
  }

  [kRemove](transponder) {
    this.#transponders?.delete(transponder)
  }

  [kChildren]() {
    return this.transponders
  }
}

module.exports = { Source }
