'use strict'

const { hooks } = require('./hooks.js')

/**
 * For events that the engine makes only while somebody listens: has `tell(object, true)` called when
 * the first listener of `event` comes and `tell(object, false)` when the last one goes, until the object
 * closes. Returns what to call with each object once; nothing is made for those that nobody listens to.
 */
function whileListened(event, tell) {
  const told = new WeakSet()

  function update(object, wanted) {
    if (wanted === told.has(object) || object.closed) return
    if (wanted) told.add(object)
    else told.delete(object)
    tell(object, wanted)
  }

  /** @this {InstanceType<typeof import('./media-object.js').MediaObject>} */
  function added(name) {
    if (name === event) update(this, true)
  }

  /** @this {InstanceType<typeof import('./media-object.js').MediaObject>} */
  function removed() {
    update(this, this.listenerCount(event) > 0)
  }

  hooks.add(added)
  hooks.add(removed)
  return object => {
    object.on('newListener', added)
    object.on('removeListener', removed)
  }
}

module.exports = { whileListened }
