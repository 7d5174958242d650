'use strict'

const MIB = 2 ** 20

/**
 * What must not grow. `floor` is what a measure may differ by over a whole run for other reasons than
 * a leak: caches that fill, memory that the allocator keeps, a thread of Node that started late.
 * `perThousandJoins` is the least leak that is told apart from that in a long run.
 */
const MEASURES = [
  { name: 'rss', title: 'resident memory', bytes: true, floor: 16 * MIB, perThousandJoins: MIB },
  { name: 'native', title: 'of it not JavaScript', bytes: true, floor: 16 * MIB, perThousandJoins: MIB },
  { name: 'jsHeap', title: 'JavaScript heap', bytes: true, floor: 1.5 * MIB, perThousandJoins: 100 * 1024 },
  { name: 'external', title: 'outside of that heap', bytes: true, floor: 2 * MIB, perThousandJoins: 100 * 1024 },
  { name: 'descriptors', title: 'descriptors', floor: 3, perThousandJoins: 0.5 },
  { name: 'threads', title: 'threads', floor: 3, perThousandJoins: 0.5 },
  { name: 'timers', title: 'timers', floor: 2, perThousandJoins: 0.5 },
  { name: 'handles', title: 'other handles', floor: 3, perThousandJoins: 0.5 },
  { name: 'objects', title: 'objects with events', floor: 8, perThousandJoins: 0.5 },
  { name: 'open', title: 'open in the engine', floor: 0.5, perThousandJoins: 0 }
]

module.exports = { MEASURES }
