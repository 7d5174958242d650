'use strict'

/**
 * Whatever comes over a WebSocket of the room server is answered or ends that WebSocket, and nobody
 * else notices. FUZZ_RUNS sets how many inputs are tried of each kind, FUZZ_SEED which.
 */

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { after, before, test } = require('node:test')
const fc = require('fast-check')
const { publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

const RUNS = Number(process.env.FUZZ_RUNS ?? 150)
const SEED = Number(process.env.FUZZ_SEED ?? 1)

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** In the room that is attacked, and in another one. @type {SignalingClient[]} */
let neighbours

before(async () => {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true,
    limits: { resumeTimeout: 50, messagesPerSecond: 10_000, messageBurst: 10_000, connectionBurst: 10_000, joinBurst: 10_000 }
  })
  neighbours = await Promise.all(
    ['loom', 'quiet'].map(room => SignalingClient.joined(server.url, { room, name: 'Neighbour', mode: 'sfu' }))
  )
})
after(async () => {
  for (const neighbour of neighbours) neighbour.close()
  await server.close()
})

/** A good message of each type, for others to be made of. */
const GOOD = [
  { type: 'join', room: 'loom', name: 'Mallory', mode: 'sfu', role: 'member', source: 'streams' },
  { type: 'offer', connection: 1, id: 1, sdp: publisherOffer('camera') },
  { type: 'answer', connection: 1, id: 1, sdp: publisherOffer('camera') },
  {
    type: 'candidate',
    connection: 1,
    candidate: { candidate: 'candidate:1 1 udp 2122260223 192.0.2.1 4000 typ host', sdpMid: '0', sdpMLineIndex: 0 }
  },
  { type: 'candidate', connection: 1, candidate: null },
  { type: 'reset' },
  { type: 'signal', epoch: 1, to: 'somebody', id: 1, description: { type: 'offer', sdp: 'v=0' } },
  { type: 'media', audio: true, video: true, encrypted: false, streams: [{ id: 'screen', source: 'screen' }] },
  { type: 'select-encoding', stream: 'screen', encoding: 'auto' },
  { type: 'view', streams: [{ id: 'screen', width: 320, height: 180, priority: 3 }] },
  { type: 'limit-downlink', bitrate: 500_000 },
  { type: 'watch-figures', streams: ['screen'] },
  { type: 'set-mode', mode: 'sfu' },
  { type: 'set-role', role: 'listener' },
  { type: 'set-source', source: null },
  { type: 'set-layout', layout: 'grid' }
]

/** Any value where a good message has one, at any depth; or a good message without it. */
const spoiled = fc
  .tuple(
    fc.constantFrom(...GOOD),
    fc.nat(),
    fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.constantFrom(-1, 1e308, '', '\0', '__proto__', [], {}))
  )
  .map(([message, place, value]) => {
    const copy = structuredClone(message)
    const places = []
    const walk = (/** @type {any} */ node) => {
      for (const key of Object.keys(node)) {
        places.push([node, key])
        if (node[key] && typeof node[key] === 'object') walk(node[key])
      }
    }
    walk(copy)
    const [node, key] = places[place % places.length]
    node[key] = value
    return JSON.stringify(copy)
  })

/** A good message whose text was changed in some places. */
const garbled = fc
  .tuple(fc.constantFrom(...GOOD), fc.array(fc.tuple(fc.nat(), fc.string({ maxLength: 3 })), { minLength: 1, maxLength: 4 }))
  .map(([message, changes]) => {
    let text = JSON.stringify(message)
    for (const [at, by] of changes) text = text.slice(0, at % text.length) + by + text.slice((at % text.length) + by.length)
    return text
  })

const nested = fc
  .tuple(fc.integer({ min: 9, max: 20_000 }), fc.constantFrom('[', '{"a":', '[{"type":', '[[],'))
  .map(([depth, opening]) => opening.repeat(depth))
const wide = fc.integer({ min: 10, max: 200_000 }).map(count => `{"type":"view","streams":[${'{},'.repeat(count / 3)}{}]}`)
const binary = fc.uint8Array({ maxLength: 2000 }).map(bytes => Buffer.from(bytes))
const frames = fc.oneof(fc.json(), fc.json({ maxDepth: 7 }), fc.string({ unit: 'binary' }), spoiled, garbled, nested, wide, binary)

/**
 * What it was told until the server had taken everything, or `null` when it was cut.
 * @param {SignalingClient} client
 * @param {string} type
 */
function answersTo(client, type = 'error') {
  return Promise.race([client.seen(type).catch(() => null), client.closed.then(() => null)])
}

async function neighboursAreWell() {
  for (const neighbour of neighbours) {
    assert.equal(neighbour.socket.readyState, neighbour.socket.OPEN)
    neighbour.send({ type: 'ping' })
    await neighbour.next('pong')
  }
}

/** @param {Parameters<typeof fc.asyncProperty>} property */
const check = (...property) => fc.assert(fc.asyncProperty(...property), { seed: SEED, numRuns: RUNS, endOnFailure: true })

test('what is no message of a stranger is answered with an error or ends the WebSocket', async () => {
  await check(frames, async frame => {
    const stranger = new SignalingClient(server.url)
    try {
      await stranger.opened
      stranger.send(frame)
      const errors = await answersTo(stranger)
      const [welcome] = (errors && (await answersTo(stranger, 'welcome'))) ?? []
      assert.ok(errors === null || errors.length > 0 || welcome || stranger.socket.readyState !== stranger.socket.OPEN, 'nothing was said')
      for (const error of errors ?? []) assert.match(error.code, /^[a-z-]+$/)
    } finally {
      stranger.close()
    }
  })
  await neighboursAreWell()
})

test('whatever a participant sends, one after the other, the others stay and are answered', async () => {
  await check(fc.array(fc.oneof(frames, fc.constantFrom(...GOOD)), { minLength: 1, maxLength: 12 }), async sent => {
    const mallory = await SignalingClient.joined(server.url, { room: 'loom', name: 'Mallory', mode: 'sfu' })
    try {
      for (const frame of sent) mallory.send(frame)
      await answersTo(mallory)
    } finally {
      mallory.close()
    }
  })
  await neighboursAreWell()
  const quiet = neighbours[1]
  assert.deepEqual(await quiet.seen('joined'), [], 'another room hears nothing of it')
})

test('who was told goodbye cannot join any more', async () => {
  const { Connection } = await import('../../examples/room-server/connection.js')
  const { messages, receive, connection } = await open(Connection)
  connection.bye(1008, 'join-timeout', 'no join came')
  receive(JSON.stringify({ type: 'join', room: 'loom', name: 'Late' }))
  assert.deepEqual(messages, [])
})

test('an address that sends too much is read more slowly, and nothing of it is lost', async () => {
  const { Connection } = await import('../../examples/room-server/connection.js')
  /** @type {string[]} */
  const calls = []
  const address = { bytes: () => (calls.length === 0 ? 20 : 0), message: () => 0 }
  const { connection, messages, receive } = await open(Connection, {
    address,
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume')
  })
  connection.received(100)
  connection.received(100)
  receive('{"type":"ping"}')
  assert.deepEqual([calls, messages], [['pause'], [{ type: 'ping' }]])
  await new Promise(resolve => setTimeout(resolve, 100))
  assert.deepEqual(calls, ['pause', 'resume'])
})

test('no message takes longer than an SDP of its size', async () => {
  const { Connection } = await import('../../examples/room-server/connection.js')
  const { connection, receive } = await open(Connection)
  connection.joined()
  /** The quickest of some, so that others on the machine do not count. @param {string} text */
  const time = text => {
    const data = Buffer.from(text)
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now()
      receive(data)
      return performance.now() - start
    })
    return Math.min(...times)
  }
  const size = 500_000
  const good = { ...GOOD[1], sdp: `v=0\r\n${'a=x\r\n'.repeat(size / 5)}`.slice(0, size) }
  const honest = time(JSON.stringify(good))
  /** @type {[string, string][]} */
  const hostile = [
    ['nested arrays', '['.repeat(size)],
    ['closed arrays', '['.repeat(size / 2) + ']'.repeat(size / 2)],
    ['objects in objects', '{"a":'.repeat(size / 5)],
    ['values', `[${'1,'.repeat(size / 2)}1]`],
    ['names', `{${Array.from({ length: size / 12 }, (_, n) => `"${n}":1`).join()}}`],
    ['streams', `{"type":"view","streams":[${'{},'.repeat(size / 3)}{}]}`],
    ['strings', `[${'"",'.repeat(size / 3)}""]`],
    ['escapes', `"${'\\"'.repeat(size / 2)}"`],
    ['quotes', '"'.repeat(size)]
  ]
  for (const [name, text] of hostile) {
    const taken = time(text)
    assert.ok(taken < 5 * honest + 1, `${name}: ${taken.toFixed(2)} ms, an SDP ${honest.toFixed(2)} ms`)
  }
})

/** A connection over a socket that is none. @param {typeof import('../../examples/room-server/connection.js').Connection} Connection */
async function open(Connection, { address = undefined, ...more } = {}) {
  const { LIMITS } = await import('../../examples/room-server/limits.js')
  const { clientMessages } = await import('../../examples/room-server/messages.js')
  const socket = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    send() {},
    close() {},
    terminate() {},
    ...more
  })
  const limits = { ...LIMITS, messagesPerSecond: 1e6, messageBurst: 1e6 }
  /** @type {object[]} */
  const messages = []
  const connection = new Connection(/** @type {any} */ (socket), {
    limits,
    schema: clientMessages(limits),
    address: /** @type {any} */ (address),
    onMessage: message => messages.push(message),
    onClose() {}
  })
  return { messages, connection, receive: (/** @type {string | Buffer} */ data) => socket.emit('message', Buffer.from(data), false) }
}
