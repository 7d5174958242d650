'use strict'

/** Every error medialoom throws, rejects with or emits. */
class MediaLoomError extends Error {
  constructor(code, message, details = {}) {
    super(message)
    this.code = code
    if (details.field !== undefined) this.field = details.field
    if (details.line !== undefined) this.line = details.line
  }

  get name() {
    return 'MediaLoomError'
  }
}

/** What the native module says of an error is a plain object. */
function fromNative(error) {
  if (error instanceof MediaLoomError) return error
  if (error instanceof Error) return new MediaLoomError('ERR_INTERNAL', error.message)
  return new MediaLoomError(error.code, error.message, error)
}

/** Calls the native module. */
function callNative(call) {
  try {
    return call()
  } catch (error) {
    throw fromNative(error)
  }
}

module.exports = { MediaLoomError, fromNative, callNative }
