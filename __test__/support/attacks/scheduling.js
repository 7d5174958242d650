'use strict'

const fs = require('node:fs')

/**
 * Milliseconds that threads of a process ran, and those that they were ready to run while others had
 * the cores: the first two figures of `schedstat`.
 *
 * @param {number} pid
 * @param {RegExp} names of the threads
 * @returns {{ ran: number, waited: number }}
 */
function scheduling(pid, names) {
  const sum = { ran: 0, waited: 0 }
  for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${task}`
      if (!names.test(fs.readFileSync(`${folder}/comm`, 'utf8').trim())) continue
      const [ran, waited] = fs.readFileSync(`${folder}/schedstat`, 'utf8').split(' ')
      sum.ran += Number(ran) / 1e6
      sum.waited += Number(waited) / 1e6
    } catch {
      // A thread that ended meanwhile.
    }
  }
  return sum
}

module.exports = { scheduling }
