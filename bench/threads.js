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
      const [running] = fs.readFileSync(`${TASKS}/${task}/schedstat`, 'utf8').split(' ')
      used[name] = Number(running) / NANOSECONDS
    } catch {
      // A thread that ended meanwhile.
    }
  }
  return used
}

module.exports = { mediaThreads }
