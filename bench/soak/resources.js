'use strict'

const { EventEmitter } = require('node:events')
const fs = require('node:fs')
const v8 = require('node:v8')

/**
 * What this process uses, after a collection. Needs `--expose-gc`, and Linux for descriptors, threads
 * and native memory.
 */
async function resources() {
  // What a finalizer releases may be what something else waited for.
  for (let round = 0; round < 3; round++) {
    global.gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  const emitters = countEmitters()
  const { rss, heapUsed, external } = process.memoryUsage()
  const active = process.getActiveResourcesInfo()
  const timers = active.filter(name => name === 'Timeout').length
  return {
    rss,
    native: nativeMemory(),
    jsHeap: heapUsed,
    external,
    descriptors: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
    timers,
    handles: active.length - timers,
    objects: emitters && Object.values(emitters).reduce((sum, number) => sum + number, 0),
    emitters
  }
}

/**
 * Live objects that emit events by their class, where this Node can tell (20.13 and later): all that
 * medialoom makes is such, and so are sockets and streams. One look, since each goes through the heap.
 */
function countEmitters() {
  if (!v8.queryObjects) return undefined
  const counts = {}
  for (const text of v8.queryObjects(EventEmitter, { format: 'summary' })) {
    const name = /^\S*/.exec(text)[0]
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** Bytes of anonymous memory that V8 does not have: Rust's, C's, the stacks of threads. */
function nativeMemory() {
  const anonymous = /^RssAnon:\s+(\d+) kB$/m.exec(read('/proc/self/status') ?? '')
  return anonymous ? Number(anonymous[1]) * 1024 - v8.getHeapStatistics().total_physical_size : undefined
}

function count(folder) {
  try {
    return fs.readdirSync(folder).length
  } catch {
    return undefined
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

module.exports = { resources }
