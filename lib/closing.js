'use strict'

const { kAnnounceClosed, kChildren, kForget, kMarkClosed } = require('./internal.js')

/**
 * Closing has two halves. Marking happens at once, for the object and everything below it, so that
 * no call gets through any more. Announcing tells the listeners, children before parents, when the
 * engine has let go too.
 */

/** Marks an object and everything below it; returns what has to be announced, in order. */
function mark(object, reason, marked = []) {
  if (object.closed) return marked
  object[kMarkClosed]()
  for (const child of object[kChildren]()) mark(child, 'parent', marked)
  marked.push({ object, reason })
  object[kForget](reason, marked)
  return marked
}

function announce(marked) {
  for (const { object, reason } of marked) object[kAnnounceClosed](reason)
}

module.exports = { mark, announce }
