'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runScript } = require('../support/child.js')

const CREATE = `
  const { Endpoint } = require('./index.js')
  const created = Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2 })
`
const CONNECT = `
  ${CREATE}
  const { negotiate, connected } = require('./__test__/support/loopback.js')
  const pair = created.then(async endpoint => {
    const client = endpoint.createTransport({ iceLite: false })
    const server = endpoint.createTransport()
    client.createDataChannel('test')
    const both = Promise.all([connected(client), connected(server)])
    await negotiate(client, server)
    await both
    return { endpoint, client, server }
  })
`

async function exits(script, expected = {}) {
  const { code, signal, output } = await runScript(script)
  assert.equal(signal, null, `killed by ${signal}: ${output}`)
  assert.equal(code, expected.code ?? 0, output)
  if (expected.output) assert.match(output, expected.output)
}

test('an open endpoint does not keep the process alive', () => exits(`${CREATE} globalThis.kept = created`))

test('a connected peer does not keep the process alive', () =>
  exits(`${CONNECT} pair.then(pair => { globalThis.kept = pair; console.log('connected') })`, { output: /connected/ }))

test('ref() keeps the process alive until unref()', () =>
  exits(
    `${CREATE} created.then(endpoint => {
      endpoint.ref()
      const started = Date.now()
      setTimeout(() => {
        endpoint.unref()
        console.log('unref')
      }, 300).unref()
    })`,
    { output: /unref/ }
  ))

test('ref() keeps the process alive until the endpoint closed', () =>
  exits(
    `${CREATE} created.then(endpoint => {
      endpoint.ref().ref()
      endpoint.on('closed', () => console.log('closed'))
      setTimeout(() => endpoint.close(), 300).unref()
    })`,
    { output: /closed/ }
  ))

test('a call that is not answered yet keeps the process alive', () =>
  exits(
    `${CREATE} created
      .then(endpoint => endpoint.getStats())
      .then(stats => console.log('threads', stats.threads.length))`,
    { output: /threads 2/ }
  ))

test('process.exit() with an open endpoint', () =>
  exits(`${CREATE} created.then(endpoint => { endpoint.ref(); process.exit(7) })`, { code: 7 }))

test('process.exit() with connected peers', () => exits(`${CONNECT} pair.then(() => process.exit(7))`, { code: 7 }))

test('process.exit() while the endpoint closes', () =>
  exits(`${CONNECT} pair.then(({ endpoint }) => { endpoint.close(); process.exit(7) })`, { code: 7 }))

test('calls in an exit listener do no harm', () =>
  exits(
    `${CREATE} created.then(endpoint => {
      process.on('exit', () => {
        try {
          endpoint.createTransport()
        } catch (error) {
          console.log(error.code)
        }
        endpoint.close()
      })
      process.exit(0)
    })`,
    { output: /ERR_CLOSED/ }
  ))

test('an uncaught exception with connected peers', () =>
  exits(`${CONNECT} pair.then(() => setImmediate(() => { throw new Error('bug') }))`, { code: 1, output: /bug/ }))

test('an unhandled rejection with connected peers', () =>
  exits(`${CONNECT} pair.then(() => { throw new Error('bug') })`, { code: 1, output: /bug/ }))

test('a signal ends the process', async () => {
  const { signal, code } = await runScript(`${CREATE} created.then(endpoint => { endpoint.ref(); process.kill(process.pid, 'SIGTERM') })`)
  assert.equal(code, null)
  assert.equal(signal, 'SIGTERM')
})

test('the module loads, unloads and loads again', () =>
  exits(
    `
    ;(async () => {
      for (let round = 0; round < 5; round++) {
        const { Endpoint } = require('./index.js')
        const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
        endpoint.createTransport()
        if (round % 2) await endpoint.close()
        for (const file of Object.keys(require.cache)) delete require.cache[file]
      }
      console.log('five times')
    })()`,
    { output: /five times/ }
  ))
