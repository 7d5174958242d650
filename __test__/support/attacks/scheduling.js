'use strict'

const fs = require('node:fs')

/**
 * Milliseconds that each thread of a process ran, and those that it was ready to run while others had
 * the cores: the first two figures of `schedstat`.
 *
 * @param {number} pid
 * @param {RegExp} names of the threads
 * @returns {Map<string, { ran: number, waited: number }>} by the id of the thread
 */
function scheduling(pid, names) {
  const threads = new Map()
  for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${task}`
      if (!names.test(fs.readFileSync(`${folder}/comm`, 'utf8').trim())) continue
      const [ran, waited] = fs.readFileSync(`${folder}/schedstat`, 'utf8').split(' ')
      threads.set(task, { ran: Number(ran) / 1e6, waited: Number(waited) / 1e6 })
    } catch {
      // A thread that ended meanwhile.
    }
  }
  return threads
}

/**
 * What became of the threads between two looks, of those that are in both.
 *
 * @returns {{ waited: number, busy: number }} shares of the time: that in which they could not run, of all
 *   of them together, and that which the busiest ran of what was left to it, with something to do or nothing
 */
function between(before, after, milliseconds) {
  const course = { waited: 0, busy: 0 }
  for (const [task, now] of after) {
    const then = before.get(task)
    if (!then) continue
    const waited = now.waited - then.waited
    const ran = now.ran - then.ran
    course.waited += waited / milliseconds
    course.busy = Math.max(course.busy, ran / Math.max(milliseconds - waited, ran))
  }
  return course
}

module.exports = { between, scheduling }
