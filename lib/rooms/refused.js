'use strict'

/** Whether the engine has no room for something, or closes: a room goes on without. @param {unknown} error */
function isRefused(error) {
  const { code } = /** @type {{ code?: string }} */ (error)
  return code === 'ERR_LIMIT' || code === 'ERR_QUEUE_FULL' || code === 'ERR_CLOSED'
}

exports.isRefused = isRefused
