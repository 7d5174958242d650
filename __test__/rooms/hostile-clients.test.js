'use strict'

/**
 * What clients that send garbage, say nothing or do not read cost the others. Measured in the CPU time of the
 * server, a process of its own, so that it does not matter what else the machine does; each figure
 * is held against what honest clients cost in the same run.
 */

const assert = require('node:assert/strict')
const net = require('node:net')
const { after, afterEach, before, test } = require('node:test')
const { Client } = require('../support/clients/client.js')
const { SignalingClient } = require('./signaling-client.js')

const ROUNDS = 3
const PINGS = 200
const HONEST = 10
/** Not the address of the honest. */
const ELSEWHERE = { headers: { 'X-Forwarded-For': '192.0.2.1' } }

/** @type {Client} */
let server
let stopServer = () => {}
let url = ''
/** @type {SignalingClient[]} */
let honest = []
/** @type {{ close: () => void }[]} */
let others = []

before(async () => {
  server = await Client.start({ after: stop => (stopServer = stop) }, '../attacks/room-server')
  const limits = {
    maxConnectionsPerAddress: 1000,
    connectionBurst: 10_000,
    joinBurst: 10_000,
    heartbeatInterval: 60_000,
    joinTimeout: 60_000,
    messagesPerSecond: 50,
    messageBurst: 5000,
    addressMessageBurst: 1e6,
    addressByteBurst: 1e9
  }
  url = await server.call('open', { mixer: false, trustProxy: 1, limits })
  honest = await Promise.all(
    Array.from({ length: HONEST }, (_, n) => SignalingClient.joined(url, { room: `room-${n}`, name: 'Honest', mode: 'p2p' }))
  )
  // Compiled, before anything is measured.
  await pings()
})
after(() => {
  for (const client of honest) client.close()
  stopServer()
})
afterEach(() => {
  for (const other of others) other.close()
  others = []
})

/** Honest clients ask and are answered. */
async function pings() {
  await Promise.all(
    honest.map(async client => {
      for (let n = 0; n < PINGS; n++) {
        client.send({ type: 'ping' })
        await client.next('pong')
      }
    })
  )
}

/** Microseconds of the server. @param {() => Promise<unknown>} work */
async function cost(work) {
  const start = await server.call('cpu')
  await work()
  return (await server.call('cpu')) - start
}

/** The least of some, for what only adds. @param {() => Promise<number>} measure */
async function least(measure) {
  const all = []
  for (let round = 0; round < ROUNDS; round++) all.push(await measure())
  return Math.min(...all)
}

async function stranger() {
  const client = new SignalingClient(url, ELSEWHERE)
  others.push(client)
  await client.opened
  return client
}
const member = async room => {
  const client = await SignalingClient.joined(url, { room, name: 'Mallory', mode: 'p2p' }, ELSEWHERE)
  others.push(client)
  return client
}

const GARBAGE = [
  '{"type":"join","room":"loom"',
  'x'.repeat(300),
  '['.repeat(200),
  JSON.stringify({ type: 'view', streams: Array.from({ length: 20 }, () => ({ id: 7 })) }),
  JSON.stringify({ type: 'media', audio: 'yes', streams: {} }),
  JSON.stringify({ type: 'nothing', of: { the: { kind: [1, 2, 3] } } }),
  Buffer.alloc(200, 0xff),
  '\0\0\0\0'
]

test('garbage costs the server no more than as many honest messages, and its sender the connection', async t => {
  const ping = (await least(() => cost(pings))) / (HONEST * PINGS)
  for (const [who, open] of /** @type {[string, () => Promise<SignalingClient>][]} */ ([
    ['strangers', stranger],
    ['members', () => member('garbage')]
  ])) {
    const perFrame = await least(async () => {
      const senders = await Promise.all(Array.from({ length: 5 }, open))
      const count = 6000
      const all = await cost(async () => {
        for (const sender of senders) for (let n = 0; n < count; n++) sender.socket.send(GARBAGE[n % GARBAGE.length], () => {})
        await Promise.all(senders.map(sender => sender.closed))
      })
      return all / (senders.length * count)
    })
    const ratio = perFrame / ping
    t.diagnostic(`${who}: garbage costs ${ratio.toFixed(2)} of a ping`)
    assert.ok(ratio < 3, `a frame of garbage of ${who} costs ${ratio.toFixed(2)} pings`)
  }
  await pings()
})

test('clients that say nothing, or dribble, cost those who talk nothing', async t => {
  const alone = []
  const among = []
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await cost(pings))
    await Promise.all(Array.from({ length: 200 }, stranger))
    for (let n = 0; n < 100; n++) others.push(dribble())
    among.push(await cost(pings))
    for (const other of others) other.close()
    others = []
  }
  const ratio = Math.min(...among) / Math.min(...alone)
  t.diagnostic(`with 300 silent ones: ${ratio.toFixed(2)} of the cost without`)
  assert.ok(ratio < 2, `${ratio.toFixed(2)} times`)
})

/** A request of which a byte comes now and then. */
function dribble() {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n')
  const timer = setInterval(() => socket.write('X'), 500)
  return {
    close() {
      clearInterval(timer)
      socket.destroy()
    }
  }
}

test('a member who does not read costs the others of the room nothing, and they miss nothing', async t => {
  const updates = 300
  const streams = Array.from({ length: 8 }, (_, n) => ({ id: `${n}`.padEnd(250, 'x'), source: 'camera' }))
  /** One says something, others hear it. @param {SignalingClient[]} listeners @param {SignalingClient} speaker @param {string} tag */
  const say = (speaker, listeners, tag) =>
    cost(async () => {
      for (let n = 0; n < updates; n++)
        speaker.send({
          type: 'media',
          audio: n % 2 === 0,
          video: true,
          streams: [...streams.slice(1), { id: `${tag}-${n}`, source: 'camera' }]
        })
      await Promise.all(
        listeners.map(listener => listener.next('updated', ({ participant }) => participant.streams.at(-1).id === `${tag}-${updates - 1}`))
      )
    })
  const [speaker, ...listeners] = await Promise.all(Array.from({ length: 4 }, () => member('slow')))
  // Of the same number in the room: one more who reads, then one who does not.
  const reader = await member('slow')
  await say(speaker, listeners, 'warm')
  const withReader = []
  for (let round = 0; round < ROUNDS; round++) withReader.push(await say(speaker, listeners, `reader-${round}`))
  reader.send({ type: 'leave' })
  const deaf = await member('slow')
  deaf.socket.pause()
  const withDeaf = []
  for (let round = 0; round < ROUNDS; round++) withDeaf.push(await say(speaker, listeners, `deaf-${round}`))
  const ratio = Math.min(...withDeaf) / Math.min(...withReader)
  t.diagnostic(`with one who does not read: ${ratio.toFixed(2)} of the cost with one who does`)
  assert.ok(ratio < 2, `${ratio.toFixed(2)} times`)
  for (const listener of listeners) {
    assert.equal((await listener.seen('updated')).length + ROUNDS * 2 + 1, (ROUNDS * 2 + 1) * updates, 'everything came')
  }
})
