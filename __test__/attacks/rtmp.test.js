'use strict'

/** Strangers at the port for encoders: whoever is in a call, or pushes already, loses nothing. */

const assert = require('node:assert/strict')
const { fork, spawnSync } = require('node:child_process')
const net = require('node:net')
const path = require('node:path')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { nextEvent, until } = require('../support/events.js')
const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')
const { RtmpClient, VIDEO, message } = require('../support/rtmp.js')

/** More than may be unanswered from one address. */
const HALF_OPEN = 400
const SECONDS = 3
/** Connections of many addresses, as far as descriptors go. */
const CROWD = 10_000
/** A server has no more of them at a time. */
const MOST = 4096
/** What the process may grow by while they are there. */
const MEMORY = 256 * 2 ** 20
/** Packets of sound in a second. */
const RATE = 50

/** What may come instead of an encoder. */
const STRANGERS = [
  () => [],
  () => [Buffer.from([3])],
  () => [Buffer.alloc(3073, 3)],
  () => [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  () => [Buffer.from([22, 3, 1, 2, 0])],
  () => [Buffer.alloc(3073, 3), Buffer.alloc(4096, 0xff)],
  // Messages that begin and do not end, on many chunk streams.
  () => [
    Buffer.alloc(3073, 3),
    ...Array.from({ length: 60 }, (_, index) => message(VIDEO, { chunkStream: index + 3 }, Buffer.alloc(129)).subarray(0, 140))
  ]
]

function stranger(t, port, index) {
  const socket = net.connect({ port, host: '127.0.0.1' }).resume()
  socket.on('error', () => {})
  for (const bytes of STRANGERS[index % STRANGERS.length]()) socket.write(bytes)
  t.after(() => socket.destroy())
  return socket
}

/** Sound of a mixer on its way to a peer: packets that came, and those that did not. */
async function call(t, endpoint) {
  const mixer = await endpoint.createMixer({ audio: true })
  mixer.addPort().setTone({ frequency: 440 })
  const sender = endpoint.createTransport({ iceLite: false })
  sender.createOutgoingStream({ audio: 1 }).audio[0].attachTo(mixer.audio)
  const receiver = (await loopbackEndpoint(t)).createTransport()
  await negotiate(sender, receiver)
  await Promise.all([connected(sender), connected(receiver)])
  const counts = async () => {
    const [track] = (await receiver.getStats()).incomingTracks
    return track?.encodings[0] ?? { packetsReceived: 0, packetsLost: 0 }
  }
  await until(async () => (await counts()).packetsReceived > 10, 'sound')
  return counts
}

test('strangers by the hundred and garbage at the port for encoders: the call and the encoder go on', { timeout: 60_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const server = await endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret' })
  const counts = await call(t, endpoint)
  const arrived = nextEvent(server, 'input')
  const encoder = await RtmpClient.publish(t, server.port)
  const [input] = await arrived
  const opus = Buffer.concat([Buffer.from([0x91]), Buffer.from('Opus'), Buffer.from([0x78, 1, 2])])

  const before = await counts()
  const began = performance.now()
  const sockets = []
  let pushed = 0
  while (performance.now() - began < SECONDS * 1000) {
    if (sockets.length < HALF_OPEN) {
      for (let number = 0; number < 20; number++) sockets.push(stranger(t, server.port, sockets.length))
    }
    encoder.audio(20 * pushed++, opus)
    await sleep(20)
  }
  const seconds = (performance.now() - began) / 1000
  const after = await counts()
  assert.equal(after.packetsLost, before.packetsLost)
  const share = (after.packetsReceived - before.packetsReceived) / (RATE * seconds)
  assert.ok(share > 0.8, `${Math.round(share * 100)} % of the sound came`)
  await until(async () => (await input.getStats()).audio?.packets === pushed, 'everything that was pushed')
  assert.ok(!input.closed && !encoder.ended)

  // The oldest of the strangers gave way, and so does the next for an honest encoder from the same address.
  await until(() => sockets.filter(socket => socket.closed).length >= HALF_OPEN - 64, 'the end of the oldest strangers')
  const second = nextEvent(server, 'input')
  const late = await RtmpClient.publish(t, server.port)
  await second
  await until(() => late.said('NetStream.Publish.Start'), 'its answer')
})

/** Sockets that a process may have, beside those that it needs anyway. */
function descriptors() {
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout)
  return Number.isFinite(limit) ? limit - 200 : Infinity
}

test(
  'ten thousand half-open connections: the call keeps its sound, all of them are closed in time, memory is bounded',
  {
    timeout: 120_000
  },
  async t => {
    const crowd = Math.min(CROWD, descriptors())
    const endpoint = await loopbackEndpoint(t)
    const server = await endpoint.createRtmpServer({ port: 0, ip: '127.0.0.1', authorize: ({ key }) => key === 'secret' })
    const counts = await call(t, endpoint)
    const arrived = nextEvent(server, 'input')
    const encoder = await RtmpClient.publish(t, server.port)
    const [input] = await arrived
    const opus = Buffer.concat([Buffer.from([0x91]), Buffer.from('Opus'), Buffer.from([0x78, 1, 2])])

    const [before, memory, began] = [await counts(), process.memoryUsage.rss(), performance.now()]
    const strangers = fork(path.join(__dirname, '..', 'support', 'attacks', 'half-open.js'), [server.port, crowd])
    t.after(() => strangers.kill())
    let pushed = 0
    const timer = setInterval(() => encoder.audio(20 * pushed++, opus), 20)
    t.after(() => clearInterval(timer))
    const told = async () => {
      const answer = nextEvent(strangers, 'message', 20_000)
      strangers.send('tell')
      return (await answer)[0]
    }
    await until(
      async () => {
        const { connected, closed, begun } = await told()
        return begun === crowd && connected + closed >= crowd && closed >= crowd - MOST
      },
      'all of them, and the end of those that gave way to later ones',
      60_000
    )
    const grown = process.memoryUsage.rss() - memory
    assert.ok(grown < MEMORY, `${Math.round(grown / 2 ** 20)} MiB more`)
    await until(async () => (await told()).closed === crowd, 'the end of all who said nothing', 30_000)
    clearInterval(timer)

    const seconds = (performance.now() - began) / 1000
    const after = await counts()
    assert.equal(after.packetsLost, before.packetsLost)
    const share = (after.packetsReceived - before.packetsReceived) / (RATE * seconds)
    assert.ok(share > 0.8, `${Math.round(share * 100)} % of the sound came`)
    await until(async () => (await input.getStats()).audio?.packets === pushed, 'everything that was pushed')
    assert.ok(!input.closed && !encoder.ended)
    const late = await RtmpClient.publish(t, server.port)
    await until(() => late.said('NetStream.Publish.Start'), 'the answer to an honest encoder')
  }
)
