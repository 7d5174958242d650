'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runScript } = require('../support/child.js')

test('an exception in a listener surfaces as uncaughtException; other events still come', async () => {
  const { code, output } = await runScript(`
    const { Endpoint } = require('./index.js')
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 }).then(async endpoint => {
      const transport = endpoint.createTransport()
      const stream = transport.createOutgoingStream({ audio: 1 })
      stream.audio[0].on('closed', () => { throw new Error('one') })
      stream.on('closed', () => { throw new Error('two') })
      transport.on('closed', reason => console.log('transport', reason))
      await transport.close()
      await endpoint.close()
      console.log('endpoint closed')
    })
  `)
  assert.equal(code, 0, output)
  assert.match(output, /uncaught one/)
  assert.match(output, /uncaught two/)
  assert.match(output, /transport closed/)
  assert.match(output, /endpoint closed/)
})

test('an uncaught exception in a listener ends the process as everywhere in Node, without a crash', async () => {
  const { code, signal, output } = await runScript(`
    const { Endpoint } = require('./index.js')
    Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2 }).then(endpoint => {
      const transport = endpoint.createTransport()
      transport.on('closed', () => { throw new Error('broken listener') })
      transport.close()
    })
  `)
  assert.equal(signal, null, output)
  assert.equal(code, 1)
  assert.match(output, /broken listener/)
})
