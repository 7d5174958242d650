'use strict'

const fs = require('node:fs')

/** Everything that was leaked on purpose. */
const kept = []

/** Ways to leak at each quiet point, to see that the soak notices: each has to make it fail. */
const LEAKS = {
  memory: () => kept.push(Buffer.alloc(24 * 2 ** 20, 1)),
  heap: () => kept.push(Array.from({ length: 200_000 }, (_, index) => ({ index }))),
  descriptors: () => kept.push(...Array.from({ length: 4 }, () => fs.openSync(__filename))),
  timers: () => kept.push(...Array.from({ length: 4 }, () => setInterval(() => {}, 60_000))),
  objects: endpoint => kept.push(...Array.from({ length: 10 }, () => closedTransport(endpoint))),
  /** Never closed, so that it is there for good. */
  transports: endpoint => kept.push(endpoint.createTransport({ connectTimeout: 0 }))
}

function closedTransport(endpoint) {
  const transport = endpoint.createTransport()
  transport.close()
  return transport
}

module.exports = { LEAKS }
