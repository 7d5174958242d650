'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { test } = require('node:test')
const { loopbackEndpoint } = require('../support/loopback.js')
const { forward, join, receives } = require('../support/clients/suite.js')
const { Attacker } = require('../support/attacks/attacker.js')
const { Field, LINUX } = require('../support/attacks/field.js')
const { hostOf } = require('../support/attacks/host.js')

/** Frames a second that each client sends. */
const CLIENTS = { 'node-datachannel': 30, werift: 30, wrtc: 20 }
/** What each of the others sends at once, packets a second. */
const SCTP = 'one-byte chunks behind a missing one'
const PACKETS = 400

/** Two clients of which one watches the other. */
class Pair {
  #viewer
  #frameRate

  static async join(t, endpoint, name) {
    const pair = new Pair()
    const publisher = await join(t, endpoint, name)
    pair.#viewer = await join(t, endpoint, name)
    pair.#frameRate = CLIENTS[name]
    await forward(publisher, pair.#viewer)
    await receives(pair.#viewer, { video: 15 }, 'a picture')
    pair.pid = pair.#viewer.client.pid
    return pair
  }

  async measure(milliseconds) {
    const report = async () => ({ ...(await this.#viewer.client.call('report')).video, at: performance.now() })
    const before = await report()
    await sleep(milliseconds)
    const after = await report()
    const frames = after.frames - before.frames
    // libwebrtc tells of pictures that it showed, not of packets.
    const latencies = (after.latencies ?? [0]).sort((a, b) => a - b)
    const at = share => latencies[Math.floor((latencies.length - 1) * share)] ?? Infinity
    return { share: (frames / this.#frameRate / (after.at - before.at)) * 1000, p50: at(0.5), p95: at(0.95) }
  }
}

test('attacks by SCTP harm no client of any kind', { ...LINUX, timeout: 180_000 }, async t => {
  const endpoint = await loopbackEndpoint(t)
  const elsewhere = await loopbackEndpoint(t)
  const host = hostOf(endpoint)
  const werift = await Attacker.start(t, host, 'werift')
  const libdatachannel = await Attacker.start(t, host, 'libdatachannel')
  for (const name of Object.keys(CLIENTS)) {
    await t.test(`not ${name}`, async t => {
      const [attacked, control] = await Promise.all([endpoint, elsewhere].map(there => Pair.join(t, there, name)))
      await Field.between({ pid: process.pid }, attacked, control).holds(t, name, async () => {
        await Promise.all([werift.join(), libdatachannel.join()])
        const ends = [await werift.attack(t, SCTP, PACKETS), await libdatachannel.attack(t, 'channels that open and close', 500)]
        return () => Promise.all(ends.map(end => end()))
      })
    })
  }
})
