'use strict'

const fs = require('node:fs')

/** Ticks of a second in /proc: sysconf(_SC_CLK_TCK), which is 100 on Linux whatever the kernel's own. */
const HERTZ = 100
/** Of the threads, as much of them as the system keeps: 15 bytes. */
const NAMES = { listening: /^medialoom-(?:inges|srt)/, media: /^medialoom-\d+$/ }

/** CPU seconds of this process' threads that listen for encoders, and of those that move media. */
function threadSeconds() {
  const seconds = { listening: 0, media: 0 }
  for (const id of fs.readdirSync('/proc/self/task')) {
    const name = fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    const kind = Object.keys(NAMES).find(kind => NAMES[kind].test(name))
    if (!kind) continue
    const fields = fs.readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')[1].split(' ')
    seconds[kind] += (Number(fields[11]) + Number(fields[12])) / HERTZ
  }
  return seconds
}

/** What the threads took, as shares of a core, while `during` ran. */
async function threadShares(during) {
  const [before, began] = [threadSeconds(), performance.now()]
  await during()
  const [after, seconds] = [threadSeconds(), (performance.now() - began) / 1000]
  return { seconds, listening: (after.listening - before.listening) / seconds, media: (after.media - before.media) / seconds }
}

module.exports = { threadShares }
