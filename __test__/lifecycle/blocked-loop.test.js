'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { block, nextEvent, until } = require('../support/events.js')
const { loopbackEndpoint } = require('../support/loopback.js')

test('after 3 s without JavaScript all events are there, in order', { timeout: 60_000 }, async t => {
  const MESSAGES = 400
  const endpoint = await loopbackEndpoint(t)
  const transport = endpoint.createTransport()
  const worker = new Worker(path.join(__dirname, '../support/sender-worker.js'), {
    workerData: { messages: MESSAGES }
  })
  t.after(() => worker.terminate())

  const numbers = []
  const channels = []
  transport.on('datachannel', channel => {
    if (channel.label === 'numbers') {
      channel.on('message', data => numbers.push(Number(data)))
      return
    }
    const seen = [channel.label]
    channels.push(seen)
    channel.on('message', data => seen.push(data))
    channel.on('closed', reason => seen.push(reason))
  })
  const [offer] = await once(worker, 'message')
  worker.postMessage(await transport.acceptOffer(offer))
  await once(worker, 'message')
  await until(() => transport.state === 'connected', 'connection')

  block(3000)
  assert.deepEqual(numbers, [], 'nothing came while JavaScript was blocked')

  await until(() => numbers.length === MESSAGES, 'all messages', 5000)
  assert.deepEqual(numbers, [...Array(MESSAGES).keys()])
  const expected = [...Array(MESSAGES / 20).keys()].map(index => [`channel ${index * 20}`, 'hello', 'remote'])
  await until(() => channels.every(seen => seen.length === 3), 'all channels to close')
  assert.deepEqual(channels, expected)

  const closed = nextEvent(transport, 'closed')
  worker.postMessage('close')
  assert.deepEqual(await closed, ['remote'])
})
