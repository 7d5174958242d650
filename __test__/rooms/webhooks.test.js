'use strict'

/** What happens in rooms is told: in order, signed, again where it was not taken, and at nobody else's expense. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { afterEach, before, test } = require('node:test')
const { KeyRing, verifyWebhook } = require('medialoom/auth')
const { publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'room-server', secret: SECRET })
const QUICK = { firstPause: 10, longestPause: 40, timeout: 20_000 }

/** Somebody who takes webhooks, or does not. */
class Receiver {
  /** What was taken, verified. @type {any[]} */
  events = []
  /** Requests, taken or not. */
  requests = 0
  /** @type {(event: any, response: http.ServerResponse) => void} */
  answer = (_event, response) => void response.end()

  async open(port = 0) {
    receivers.push(this)
    this.server = http.createServer(async (request, response) => {
      this.requests += 1
      assert.equal(request.headers['content-type'], 'application/webhook+json')
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      const event = await verifyWebhook(keys, Buffer.concat(chunks), request.headers.authorization)
      this.answer(event, response)
      if (response.statusCode === 200 && response.writableEnded) this.events.push(event)
    })
    this.server.listen(port, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = /** @type {import('node:net').AddressInfo} */ (this.server.address()).port
    this.url = `http://127.0.0.1:${this.port}/hook`
    return this
  }

  async close() {
    if (!this.server?.listening) return
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  /** @param {() => unknown} fits */
  async until(fits) {
    const deadline = Date.now() + 30_000
    while (!fits()) {
      if (Date.now() > deadline) throw new Error(`there is ${JSON.stringify(this.events.map(({ event }) => event))}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
}

/** @type {typeof import('../../examples/room-server/webhooks.js').Webhook} */
let Webhook
/** @type {Receiver} */
let receiver
/** @type {Receiver[]} */
let receivers = []
/** @type {{ close: (patience: number) => Promise<void> }[]} */
let webhooks = []

before(async () => {
  ;({ Webhook } = await import('../../examples/room-server/webhooks.js'))
})
const open = async options => {
  receiver = await new Receiver().open()
  const webhook = new Webhook(/** @type {string} */ (receiver.url), keys, { ...QUICK, ...options })
  webhooks.push(webhook)
  return webhook
}
afterEach(async () => {
  await Promise.all(webhooks.map(webhook => webhook.close(0)))
  webhooks = []
  await Promise.all(receivers.map(each => each.close()))
  receivers = []
})

test('the life of a room is told from its first participant to its last, numbered', async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  receiver = await new Receiver().open()
  const server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    mixer: false,
    open: true,
    keys: [{ id: 'room-server', secret: SECRET }],
    webhooks: [/** @type {string} */ (receiver.url)]
  })
  try {
    const ada = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada' })
    ada.send({ type: 'offer', connection: ada.welcome.connection, id: 1, sdp: publisherOffer('cam') })
    await ada.next('answer')
    ada.send({ type: 'leave' })
    await receiver.until(() => receiver.events.length === 8 && server.webhooks.every(({ waiting }) => waiting === 0))
    assert.deepEqual(
      receiver.events.map(({ event, sequence }) => [sequence, event]),
      [
        [1, 'room_started'],
        [2, 'participant_joined'],
        [3, 'track_published'],
        [4, 'track_published'],
        [5, 'track_unpublished'],
        [6, 'track_unpublished'],
        [7, 'participant_left'],
        [8, 'room_finished']
      ]
    )
    const [started, joined, published] = receiver.events
    assert.equal(new Set(receiver.events.map(({ id }) => id)).size, 8)
    assert.equal(new Set(receiver.events.map(({ room }) => room.sid)).size, 1)
    assert.equal(started.room.name, 'loom')
    assert.equal(joined.participant.name, 'Ada')
    assert.deepEqual(
      receiver.events
        .slice(2, 4)
        .map(({ track }) => track.source)
        .sort(),
      ['camera', 'microphone']
    )
    assert.equal(published.participant.id, joined.participant.id)
    assert.equal(receiver.events[6].reason, 'left')
    const metrics = await (await fetch(new URL('/metrics', server.url))).text()
    assert.match(metrics, /^room_server_webhook_events_total\{outcome="sent"\} 8$/m)
  } finally {
    await server.close()
  }
})

test('an event that is not taken is sent again, and those behind it in its room wait', async () => {
  const webhook = await open()
  let refusals = 3
  receiver.answer = (_event, response) => {
    if (refusals-- > 0) response.statusCode = 500
    response.end()
  }
  for (let sequence = 1; sequence <= 5; sequence++) webhook.push('loom', { sequence })
  await receiver.until(() => receiver.events.length === 5 && webhook.waiting === 0)
  assert.deepEqual(
    receiver.events.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5]
  )
  assert.equal(receiver.requests, 8)
  assert.deepEqual([webhook.sent, webhook.failed, webhook.dropped, webhook.waiting], [5, 0, 0, 0])
})

test('an event that is not taken holds up its room, and other rooms not at all', async () => {
  const webhook = await open({ maxTries: 1e6 })
  receiver.answer = (event, response) => {
    if (event.poison) response.statusCode = 400
    response.end()
  }
  webhook.push('loom', { poison: true })
  webhook.push('loom', { behind: true })
  for (let sequence = 1; sequence <= 20; sequence++) webhook.push(`other-${sequence % 4}`, { sequence })
  await receiver.until(() => receiver.events.length === 20 && webhook.waiting === 2)
  assert.ok(!receiver.events.some(({ behind }) => behind))
})

test('an event that is never taken is given up, and those behind it go on', async () => {
  const webhook = await open({ maxTries: 4 })
  receiver.answer = (event, response) => {
    if (event.poison) response.statusCode = 400
    response.end()
  }
  webhook.push('loom', { poison: true })
  webhook.push('loom', { behind: true })
  await receiver.until(() => receiver.events.length === 1 && webhook.waiting === 0)
  assert.deepEqual([webhook.sent, webhook.failed, receiver.requests], [1, 1, 5])
})

test('a receiver that takes its time is asked by few at once', async () => {
  const webhook = await open()
  let asking = 0
  let most = 0
  receiver.answer = (event, response) => {
    asking += 1
    most = Math.max(most, asking)
    setTimeout(() => {
      asking -= 1
      receiver.events.push(event)
      response.end()
    }, 20)
  }
  for (let room = 0; room < 30; room++) webhook.push(`room-${room}`, { room })
  await receiver.until(() => receiver.events.length === 30)
  assert.ok(most > 1 && most <= 8, `${most} at once`)
})

test('a receiver that does not answer is asked again', async () => {
  const webhook = await open({ timeout: 300 })
  let silent = 4
  receiver.answer = (_event, response) => {
    if (silent-- <= 0) response.end()
  }
  for (let room = 0; room < 30; room++) webhook.push(`room-${room}`, { room })
  await receiver.until(() => new Set(receiver.events.map(({ room }) => room)).size === 30)
})

test('a receiver that is gone costs no more than the queue, and gets what was kept when it is back', async () => {
  const webhook = await open({ maxWaiting: 10, maxTries: 1000 })
  const { port } = receiver
  await receiver.close()
  for (let sequence = 1; sequence <= 1000; sequence++) webhook.push('loom', { sequence })
  assert.deepEqual([webhook.waiting, webhook.dropped], [10, 990])
  await new Promise(resolve => setTimeout(resolve, 100))
  await receiver.open(port)
  await receiver.until(() => receiver.events.length === 10)
  // The numbers say that something is missing.
  webhook.push('loom', { sequence: 1001 })
  await receiver.until(() => receiver.events.length === 11)
  assert.deepEqual(
    receiver.events.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1001]
  )
})

test('a receiver that redirects is not followed', async () => {
  const webhook = await open({ maxTries: 2 })
  receiver.answer = (_event, response) => void response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()
  webhook.push('loom', {})
  await receiver.until(() => webhook.failed === 1)
})

test('at the end what waits is sent, for as long as there is time', async () => {
  const webhook = await open()
  for (let sequence = 1; sequence <= 20; sequence++) webhook.push('loom', { sequence })
  await webhook.close(5000)
  assert.equal(receiver.events.length, 20)
  const stuck = await open()
  receiver.answer = () => {}
  stuck.push('loom', {})
  await stuck.close(100)
  assert.deepEqual([stuck.dropped, stuck.waiting], [1, 0])
})
