'use strict'

const { write } = require('../native/logger.js')

/**
 * Emits, whatever the listeners do. An exception of a listener is the process's business, as with
 * any event emitter, but must not keep other events from their listeners.
 */
function emit(emitter, event, ...args) {
  try {
    emitter.emit(event, ...args)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

/** An error nobody listens for is logged: one peer's fault must not end the process. */
function emitError(emitter, error) {
  if (emitter.listenerCount('error') > 0) {
    emit(emitter, 'error', error)
  } else {
    const name = emitter.constructor.name
    write('warn', `medialoom::${name}`, error.message, { code: error.code, id: String(emitter.id) })
  }
}

module.exports = { emit, emitError }
