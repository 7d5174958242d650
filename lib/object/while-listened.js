'use strict'

/**
 * For events that the engine makes only while somebody listens: calls `tell(true)` when the first
 * listener of `event` comes and `tell(false)` when the last one goes, until the object closes.
 */
function whileListened(object, event, tell) {
  let told = false
  const update = wanted => {
    if (wanted === told || object.closed) return
    told = wanted
    tell(wanted)
  }
  object.on('newListener', name => {
    if (name === event) update(true)
  })
  object.on('removeListener', () => update(object.listenerCount(event) > 0))
}

module.exports = { whileListened }
