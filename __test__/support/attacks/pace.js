'use strict'

/** Milliseconds between two bursts. */
const TICK = 10

/**
 * Calls `send` with 0, 1, 2 and so on, so many times a second, until the function that it gives is
 * called, which gives how often that was.
 */
function pace(perSecond, send) {
  const began = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * perSecond
    // What a busy machine did not get to send is not caught up with in one burst.
    for (let burst = 0; sent < due && burst < (2 * perSecond * TICK) / 1000; burst++) send(sent++)
  }, TICK)
  return () => {
    clearInterval(timer)
    return sent
  }
}

module.exports = { pace }
