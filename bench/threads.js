'use strict'

const fs = require('node:fs')

const NANOSECONDS = 1000
const TASKS = '/proc/self/task'

/**
 * CPU time that each media thread of this process has used, in microseconds, by name. The kernel
 * counts it in nanoseconds (`schedstat`), while `stat` has ticks of 10 ms.
 *
 * @returns {Record<string, number>}
 */
function mediaThreads() {
  const used = {}
  for (const task of fs.readdirSync(TASKS)) {
    try {
      const name = fs.readFileSync(`${TASKS}/${task}/comm`, 'utf8').trim()
      if (!/^medialoom-\d+$/.test(name)) continue
      used[name] = usedBy(task)
    } catch {
      // A thread that ended meanwhile.
    }
  }
  return used
}

/** The same of the thread that runs JavaScript, which is the first of the process. */
function javaScriptThread() {
  return usedBy(process.pid)
}

function usedBy(task) {
  const [running] = fs.readFileSync(`${TASKS}/${task}/schedstat`, 'utf8').split(' ')
  return Number(running) / NANOSECONDS
}

module.exports = { javaScriptThread, mediaThreads }
