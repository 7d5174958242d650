'use strict'

const { kAnnounceClosed, kChildren, kDispatcher, kForget, kMarkClosed } = require('./internal.js')

/** Milliseconds until an engine that is behind is asked again. */
const RETRY_DELAY = 10

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

/**
 * Closes an object of which the engine only has to be told: nothing waits for its answer.
 * `tell(dispatcher)` posts what has to get through.
 */
function close(object, tell) {
  if (object.closed) return
  const dispatcher = object[kDispatcher]
  tell(dispatcher)
  const marked = mark(object, 'closed')
  dispatcher.later(() => announce(marked))
}

/**
 * Closes an object whose end the engine answers: resolves, and tells listeners, when it has let go.
 * `post(native, request)` asks for that, and `settle` makes of its answer what the promise resolves with. Nothing is left to
 * close where the object failed or the engine is gone.
 *
 * @returns {Promise<any>}
 */
function finish(object, post, reason = 'closed', settle = _answer => {}) {
  return new Promise(resolve => {
    const dispatcher = object[kDispatcher]
    const marked = mark(object, reason)
    const done = (_error, answer) => {
      const settled = settle(answer)
      announce(marked)
      resolve(settled)
    }
    const ask = () => {
      try {
        dispatcher.ask(null, post, done)
      } catch (error) {
        // Nobody can ask once more: it is closed by then.
        if (error.code === 'ERR_QUEUE_FULL') setTimeout(ask, RETRY_DELAY)
        else dispatcher.later(done)
      }
    }
    ask()
  })
}

module.exports = { mark, announce, close, finish }
