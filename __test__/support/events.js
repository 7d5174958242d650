'use strict'

const { once } = require('node:events')

/** The arguments of the next such event; fails after `milliseconds`. */
async function nextEvent(emitter, event, milliseconds = 10_000) {
  try {
    return await once(emitter, event, { signal: AbortSignal.timeout(milliseconds) })
  } catch (error) {
    if (error.name !== 'AbortError') throw error
    throw new Error(`no event '${event}' within ${milliseconds} ms`)
  }
}

/** Waits until `condition` gives something true, and returns it. */
async function until(condition, what, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Fails when a promise does not settle in time. */
function within(milliseconds, promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Keeps JavaScript from doing anything else. */
function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

module.exports = { block, nextEvent, until, within }
