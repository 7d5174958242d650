'use strict'

const assert = require('node:assert/strict')
const net = require('node:net')
const { once } = require('node:events')
const { test } = require('node:test')
const { offer } = require('../rooms/sdp.js')
const { Field, LINUX } = require('../support/attacks/field.js')
const { check, credentialsOf } = require('../support/attacks/stun.js')

/** More than may be unanswered from one address. */
const CONNECTIONS = 200
/** Milliseconds that a newcomer waits for an answer, which strangers have ten seconds to get. */
const PATIENCE = 2000

/** Connections that say nothing, or the beginning of something. */
function crowd(port) {
  return Array.from({ length: CONNECTIONS }, (_, index) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    if (index % 2 === 0) socket.write(Buffer.from([0xff, 0xff, 0]))
    return socket
  })
}

/** Whether a check over a new connection is answered in time, with the frames of RFC 4571. */
async function isAnswered(port, remote, local) {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  try {
    const request = check(remote, local)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(request.length)
    socket.write(Buffer.concat([length, request]))
    const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE) })
    // A success of the same transaction (RFC 8489 5).
    return answer.readUInt16BE(2) === 0x0101 && answer.subarray(10, 22).equals(request.subarray(8, 20))
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('silent TCP connections from one address keep nobody out who comes from there', { ...LINUX, timeout: 60_000 }, async t => {
  const field = await Field.open(t)
  const { port } = field.addresses.find(({ protocol }) => protocol === 'tcp')
  await field.holds(t, 'silent TCP connections', async () => {
    const connections = crowd(port)
    const sdp = offer([{ kind: 'audio', direction: 'recvonly' }])
    const { sdp: answer } = await field.server.call('join', sdp)
    for (let newcomer = 0; newcomer < 5; newcomer++) {
      assert.ok(await isAnswered(port, credentialsOf(answer), credentialsOf(sdp)), `newcomer ${newcomer} is answered`)
    }
    return () => connections.forEach(socket => socket.destroy())
  })
})
