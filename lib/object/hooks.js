'use strict'

/**
 * Listeners by which the package knows of those of the application. They are nobody's to remove: who takes away all
 * listeners means his own.
 *
 * @type {WeakSet<Function>}
 */
const hooks = new WeakSet()

/** Events that they listen to. */
const HOOKED = ['newListener', 'removeListener']

/** Does `action`, and has the hooks of an object in place again after it. */
function keepingHooks(object, action) {
  const kept = HOOKED.map(name => object.rawListeners(name).filter(listener => hooks.has(listener)))
  action()
  for (const [index, name] of HOOKED.entries()) {
    const there = object.rawListeners(name)
    for (const hook of kept[index]) if (!there.includes(hook)) object.on(name, hook)
  }
}

module.exports = { hooks, keepingHooks }
