'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runScript } = require('../support/child.js')

/** A worker that connects two of its transports, then does what its end says. */
const WORKER = end => `
  const { parentPort } = require('node:worker_threads')
  const { Endpoint, setLogger } = require('./index.js')
  const { negotiate, connected } = require('./__test__/support/loopback.js')
  setLogger(() => {}, { level: 'debug' })
  Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2 }).then(async endpoint => {
    const client = endpoint.createTransport({ iceLite: false })
    const server = endpoint.createTransport()
    client.createDataChannel('test')
    const both = Promise.all([connected(client), connected(server)])
    await negotiate(client, server)
    await both
    parentPort.postMessage('connected')
    ${end}
  })
`

/** Who waits for the exit of a worker does so before its message comes: the two may come together. */
async function run(script) {
  const { code, signal, output } = await runScript(
    `const { Worker } = require('node:worker_threads')
    const { once } = require('node:events')
    const start = worker => new Worker(worker, { eval: true })
    ;(async () => { ${script} })().then(() => console.log('passed'))`,
    { milliseconds: 60_000 }
  )
  assert.equal(signal, null, output)
  assert.equal(code, 0, output)
  assert.match(output, /passed/)
}

test('a worker uses the engine and closes it', () =>
  run(`
    const worker = start(${JSON.stringify(WORKER('await endpoint.close()'))})
    const exit = once(worker, 'exit')
    await once(worker, 'message')
    const [code] = await exit
    if (code !== 0) throw new Error('exit code ' + code)
  `))

test('a worker with an open endpoint ends by itself', () =>
  run(`
    const worker = start(${JSON.stringify(WORKER('globalThis.kept = endpoint'))})
    const exit = once(worker, 'exit')
    await once(worker, 'message')
    await exit
  `))

test('a worker is terminated with peers connected, again and again', () =>
  run(`
    for (let round = 0; round < 8; round++) {
      const worker = start(${JSON.stringify(WORKER('endpoint.ref()'))})
      await once(worker, 'message')
      await worker.terminate()
    }
  `))

test('a worker that calls process.exit()', () =>
  run(`
    const worker = start(${JSON.stringify(WORKER('process.exit(3)'))})
    const [code] = await once(worker, 'exit')
    if (code !== 3) throw new Error('exit code ' + code)
  `))

test('several workers and the main thread at once', () =>
  run(`
    const { Endpoint } = require('./index.js')
    const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
    const workers = [1, 2, 3].map(() => start(${JSON.stringify(WORKER('endpoint.ref()'))}))
    await Promise.all(workers.map(worker => once(worker, 'message')))
    await Promise.all(workers.map(worker => worker.terminate()))
    if ((await endpoint.getStats()).threads.length !== 1) throw new Error('the main thread suffered')
    await endpoint.close()
  `))
