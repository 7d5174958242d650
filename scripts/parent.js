'use strict'

/** Milliseconds between two looks at who the parent is. */
const INTERVAL = 500

/**
 * Ends the process, in good order, once the one that started it is gone. npm passes signals on to
 * the shell between it and the script only, and a server left behind keeps its port.
 */
function stopWithParent() {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }, INTERVAL).unref()
}

module.exports = { stopWithParent }
