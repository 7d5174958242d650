'use strict'

const { randomBytes } = require('node:crypto')
const { test } = require('node:test')
const { offer } = require('../rooms/sdp.js')
const { Field, LINUX } = require('../support/attacks/field.js')
const { pace } = require('../support/attacks/pace.js')
const { check, credentialsOf } = require('../support/attacks/stun.js')

const PUBLISHER = 0
const VIEWER = 1
/** A second, of the publisher and of a viewer; two took a victim's media away. */
const CHECKS = 20
/** Datagrams that are kept to be sent again. */
const KEPT = 500

const isRtp = bytes => bytes[0] >> 6 === 2 && !(bytes[1] >= 192 && bytes[1] < 224)

/** Packets that only look like those of the publisher: of its streams and others, ahead, behind, and goodbyes. */
function forged(n, genuine) {
  const packet = randomBytes(genuine.length)
  genuine.copy(packet, 0, 0, 12)
  switch (n % 5) {
    case 0:
      packet.writeUInt16BE((genuine.readUInt16BE(2) + n) & 0xffff, 2)
      return packet
    case 1:
      packet.writeUInt32BE(n, 8)
      return packet
    case 2:
      packet.writeUInt16BE((genuine.readUInt16BE(2) - n) & 0xffff, 2)
      return packet
    case 3:
      // BYE (RFC 3550 6.6).
      return Buffer.concat([Buffer.from([0x81, 203, 0, 1]), genuine.subarray(8, 12), randomBytes(14)])
    default:
      // A fatal alert of DTLS in the clear.
      return Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, n & 0xff, 0, 2, 2, 40])
  }
}

/** The datagrams of a client that fit, as they come, for some milliseconds. */
async function overheard(way, fits, milliseconds) {
  const kept = []
  way.overhear(bytes => kept.length < KEPT && fits(bytes) && kept.push(Buffer.from(bytes)))
  await new Promise(resolve => setTimeout(resolve, milliseconds))
  way.overhear(null)
  return kept
}

test('who can send from the address of somebody who takes part harms nobody', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t, { ways: true })
  const holds = (name, begin) => t.test(`by ${name}`, t => field.holds(t, name, begin))

  await holds('forged media, goodbyes and alerts', async () => {
    const [genuine] = await overheard(field.ways[PUBLISHER], isRtp, 300)
    return pace(1000, n => field.ways[PUBLISHER].inject(forged(n, genuine)))
  })

  await holds('what was sent before', async () => {
    const kept = await Promise.all([PUBLISHER, VIEWER].map(client => overheard(field.ways[client], () => true, 1000)))
    return pace(2000, n => field.ways[n % 2].inject(kept[n % 2][(n >> 1) % kept[n % 2].length]))
  })

  await holds("checks with credentials of one's own", async () => {
    const sdp = offer([{ kind: 'audio', direction: 'sendonly', stream: 'mine' }])
    const { sdp: answer } = await field.server.call('join', sdp)
    const [remote, local] = [credentialsOf(answer), credentialsOf(sdp)]
    return pace(2 * CHECKS, n => field.ways[n % 2].inject(check(remote, local)))
  })
})
