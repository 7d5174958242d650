'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { block, nextEvent, until } = require('../support/events.js')
const { connectedPair } = require('../support/loopback.js')

async function opened(channel) {
  if (channel.readyState !== 'open') await nextEvent(channel, 'open')
}

test('the peer sees the channel as it was made', async t => {
  const { client, server } = await connectedPair(t)
  const announced = nextEvent(server, 'datachannel')
  const channel = client.createDataChannel('game', { ordered: false, maxRetransmits: 2, protocol: 'moves', appData: 1 })
  assert.equal(channel.readyState, 'connecting')
  const [seen] = await announced
  for (const [side, transport] of [
    [channel, client],
    [seen, server]
  ]) {
    assert.equal(side.transport, transport)
    assert.equal(side.label, 'game')
    assert.equal(side.protocol, 'moves')
    assert.equal(side.ordered, false)
    assert.equal(side.maxRetransmits, 2)
    assert.equal(side.maxPacketLifeTime, null)
    assert.ok(transport.dataChannels.includes(side))
  }
  assert.equal(channel.appData, 1)
  assert.equal(seen.readyState, 'open')
  await opened(channel)
})

test('text and binary arrive as they were sent, in order, both ways', async t => {
  const { clientChannel, serverChannel } = await connectedPair(t)
  const sent = ['text', 'größer 🎥', Buffer.from([0, 255]), Buffer.alloc(100_000, 7), 'end']
  for (const [from, to] of [
    [clientChannel, serverChannel],
    [serverChannel, clientChannel]
  ]) {
    const received = []
    to.on('message', data => received.push(data))
    for (const data of sent) from.send(data)
    await until(() => received.length === sent.length, 'all messages')
    assert.deepEqual(received, sent)
  }
})

test('every kind of binary data can be sent', async t => {
  const { clientChannel, serverChannel } = await connectedPair(t)
  const bytes = Uint8Array.from([9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const shared = new Uint8Array(new SharedArrayBuffer(8))
  shared.set(bytes.subarray(1, 9))
  const received = []
  serverChannel.on('message', data => received.push(data))
  clientChannel.send(bytes.buffer.slice(1, 9))
  clientChannel.send(bytes.subarray(1, 9))
  clientChannel.send(new DataView(bytes.buffer, 1, 8))
  clientChannel.send(new Float64Array(bytes.buffer.slice(1, 9)))
  clientChannel.send(Buffer.from(bytes.buffer, 1, 8))
  clientChannel.send(shared.buffer)
  clientChannel.send(shared)
  await until(() => received.length === 7, 'all messages')
  for (const data of received) {
    assert.ok(Buffer.isBuffer(data))
    assert.deepEqual([...data], [1, 2, 3, 4, 5, 6, 7, 8])
  }
})

test('what is changed after send() is sent as it was', async t => {
  const { clientChannel, serverChannel } = await connectedPair(t)
  const data = Buffer.from('before')
  const message = nextEvent(serverChannel, 'message')
  clientChannel.send(data)
  data.write('after!')
  assert.equal(String((await message)[0]), 'before')
})

test('messages sent before the channel is open wait for it', async t => {
  const { client, server } = await connectedPair(t)
  const announced = nextEvent(server, 'datachannel')
  client.createDataChannel('early').send('first')
  const [channel] = await announced
  assert.deepEqual(await nextEvent(channel, 'message'), ['first'])
})

test('whoever awaits a channel gets its first message, however late JavaScript is', async t => {
  const { client, server } = await connectedPair(t)
  const announced = nextEvent(server, 'datachannel')
  client.createDataChannel('early').send('first')
  // The channel and its message are there when JavaScript looks, and come in one go.
  block(500)
  const [channel] = await announced
  assert.deepEqual(await nextEvent(channel, 'message'), ['first'])
})

test('bufferedAmount counts up at once and falls to 0; the event says when it is low', async t => {
  const { clientChannel, serverChannel } = await connectedPair(t)
  let received = 0
  serverChannel.on('message', data => (received += data.length))
  clientChannel.bufferedAmountLowThreshold = 100_000
  const chunk = Buffer.alloc(50_000)
  for (let count = 0; count < 40; count++) clientChannel.send(chunk)
  assert.equal(clientChannel.bufferedAmount, 2_000_000)
  await nextEvent(clientChannel, 'bufferedamountlow')
  assert.ok(clientChannel.bufferedAmount <= 100_000, `${clientChannel.bufferedAmount}`)
  await until(() => received === 2_000_000, 'all bytes')
  await until(() => clientChannel.bufferedAmount === 0, 'bufferedAmount 0')
})

test('a sender that heeds ERR_QUEUE_FULL loses nothing', async t => {
  const { clientChannel, serverChannel } = await connectedPair(t, { client: { maxBufferedAmount: 300_000 } })
  const received = []
  serverChannel.on('message', data => received.push(data.readUInt32BE(0)))
  let refused = 0
  for (let number = 0; number < 300;) {
    const data = Buffer.alloc(20_000)
    data.writeUInt32BE(number)
    try {
      clientChannel.send(data)
      number++
    } catch (error) {
      assert.equal(error.code, 'ERR_QUEUE_FULL')
      refused++
      await nextEvent(clientChannel, 'bufferedamountlow')
    }
  }
  assert.ok(refused > 0)
  await until(() => received.length === 300, 'all messages')
  assert.deepEqual(received, [...Array(300).keys()])
})

test('channels agreed on by other means need no announcement', async t => {
  const { client, server } = await connectedPair(t)
  const unexpected = []
  server.on('datachannel', channel => unexpected.push(channel))
  const one = client.createDataChannel('agreed', { negotiated: true, id: 42 })
  const other = server.createDataChannel('agreed', { negotiated: true, id: 42 })
  await Promise.all([opened(one), opened(other)])
  const message = nextEvent(other, 'message')
  one.send('hello')
  assert.deepEqual(await message, ['hello'])
  assert.deepEqual(unexpected, [])
})

test('closing a channel closes it at the peer, after its messages', async t => {
  const { clientChannel, serverChannel, server } = await connectedPair(t)
  const seen = []
  serverChannel.on('message', data => seen.push(data))
  serverChannel.on('closed', reason => seen.push(reason))
  clientChannel.send('last')
  clientChannel.close()
  assert.equal(clientChannel.readyState, 'closed')
  await until(() => serverChannel.closed, 'the peer to close')
  assert.deepEqual(seen, ['last', 'remote'])
  assert.deepEqual(server.dataChannels, [])
})

test('many channels at once', async t => {
  const { client, server } = await connectedPair(t)
  const labels = []
  server.on('datachannel', channel => channel.on('message', data => labels.push(`${channel.label} ${data}`)))
  const channels = Array.from({ length: 50 }, (_, index) => client.createDataChannel(`c${index}`))
  for (const channel of channels) channel.send('x')
  await until(() => labels.length === 50, 'all channels')
  assert.deepEqual([...labels].sort(), channels.map(channel => `${channel.label} x`).sort())
})

test('a channel forwards to another without its messages meeting JavaScript', async t => {
  const first = await connectedPair(t)
  const { right: endpoint } = first
  // A second client of the same endpoint.
  const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')
  const client = (await loopbackEndpoint(t)).createTransport({ iceLite: false })
  const server = endpoint.createTransport()
  const clientChannel = client.createDataChannel('second')
  const announced = nextEvent(server, 'datachannel')
  const both = Promise.all([connected(client), connected(server)])
  await negotiate(client, server)
  await both
  const [target] = await announced

  target.attachTo(first.serverChannel)
  const received = []
  clientChannel.on('message', data => received.push(data))
  first.clientChannel.send('one')
  await until(() => received.length === 1, 'the forwarded message')

  // With a listener both get it.
  const here = nextEvent(first.serverChannel, 'message')
  first.clientChannel.send('two')
  assert.deepEqual(await here, ['two'])
  await until(() => received.length === 2, 'the second message')

  target.detach()
  const last = nextEvent(first.serverChannel, 'message')
  first.clientChannel.send('three')
  assert.deepEqual(await last, ['three'])
  assert.deepEqual(received, ['one', 'two'])
})
