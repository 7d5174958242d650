'use strict'

const { write } = require('../native/logger.js')
const { MediaLoomError } = require('./error.js')

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

/**
 * What an async listener rejects with. That a peer was gone, or had offered itself what there was to offer, by the time
 * the listener got to it is nobody's mistake; another refusal is a fault of that peer's.
 */
function emitRejection(emitter, error, event) {
  if (!(error instanceof MediaLoomError) || event === 'error') {
    // The process's business, as an exception of a listener is.
    Promise.reject(error)
    return
  }
  const gone = error.code === 'ERR_CLOSED' && emitter.closed
  const late = gone || (event === 'negotiationneeded' && error.code === 'ERR_INVALID_STATE')
  if (!late) return emitError(emitter, error)
  write('debug', `medialoom::${emitter.constructor.name}`, error.message, { code: error.code, id: String(emitter.id) })
}

module.exports = { emit, emitError, emitRejection }
