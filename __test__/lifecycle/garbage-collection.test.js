'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runScript } = require('../support/child.js')

const PRELUDE = `
  const fs = require('node:fs')
  const assert = require('node:assert/strict')
  const { Endpoint } = require('./index.js')
  const listen = [{ ip: '127.0.0.1' }]
  const sockets = () => fs.readdirSync('/proc/self/fd')
    .filter(fd => { try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch { return false } })
    .length
  async function collected(condition, what) {
    for (let round = 0; round < 100; round++) {
      // What a WeakRef gave stays until the turn ends, so looking and collecting need turns of their own.
      await new Promise(resolve => setTimeout(resolve, 10))
      global.gc()
      await new Promise(resolve => setTimeout(resolve, 10))
      if (condition()) return
    }
    throw new Error('not collected: ' + what)
  }
`

async function run(script) {
  const { code, signal, output } = await runScript(`${PRELUDE}\n;(async () => { ${script} })().then(() => console.log('passed'))`, {
    flags: ['--expose-gc'],
    milliseconds: 30_000
  })
  assert.equal(signal, null, output)
  assert.equal(code, 0, output)
  assert.match(output, /passed/)
}

test('an endpoint that nothing references is collected and closed', { skip: process.platform === 'linux' ? false : 'it reads /proc' }, () =>
  run(`
    const before = sockets()
    const refs = []
    for (let count = 0; count < 10; count++) {
      await (async () => {
        const endpoint = await Endpoint.create({ listen, threads: 1 })
        endpoint.createTransport().createOutgoingStream({ audio: 1 })
        endpoint.on('closed', () => endpoint.transports)
        refs.push(new WeakRef(endpoint))
      })()
    }
    assert.ok(sockets() > before)
    await collected(() => refs.every(ref => !ref.deref()), 'the endpoints')
    await collected(() => sockets() === before, 'their sockets')
  `)
)

test('an endpoint that is referenced only through a track stays', () =>
  run(`
    let track
    const ref = await (async () => {
      const endpoint = await Endpoint.create({ listen, threads: 1 })
      track = endpoint.createTransport().createOutgoingStream({ video: 1 }).video[0]
      return new WeakRef(endpoint)
    })()
    for (let round = 0; round < 10; round++) {
      global.gc()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    assert.ok(ref.deref())
    assert.equal(track.transport.endpoint.closed, false)
    await track.transport.endpoint.getStats()
  `))

test('a call that waits keeps its endpoint', () =>
  run(`
    const stats = (async () => (await Endpoint.create({ listen, threads: 1 })).getStats())()
    const churn = setInterval(() => global.gc(), 1)
    assert.equal((await stats).threads.length, 1)
    clearInterval(churn)
  `))

test('ref() keeps an endpoint that nothing references', () =>
  run(`
    const ref = await (async () => {
      const endpoint = await Endpoint.create({ listen, threads: 1 })
      endpoint.ref()
      endpoint.createTransport()
      return new WeakRef(endpoint.transports[0])
    })()
    for (let round = 0; round < 10; round++) {
      global.gc()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    assert.equal(ref.deref()?.closed, false)
    ref.deref().endpoint.unref()
  `))

test('closed transports, streams, tracks and channels are collected while their endpoint lives', () =>
  run(`
    const endpoint = await Endpoint.create({ listen, threads: 1 })
    const refs = []
    for (let count = 0; count < 50; count++) {
      await (async () => {
        const transport = endpoint.createTransport()
        const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
        const channel = transport.createDataChannel('chat')
        for (const object of [transport, stream, ...stream.tracks, channel]) refs.push(new WeakRef(object))
        await transport.close()
      })()
    }
    await collected(() => refs.every(ref => !ref.deref()), 'what was closed')
    assert.equal(endpoint.closed, false)
    await endpoint.close()
  `))
