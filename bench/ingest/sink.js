'use strict'

/** A port that takes everything and reads nothing of it: what comes costs nobody but who sends it. */

const dgram = require('node:dgram')
const { fork } = require('node:child_process')
const { once } = require('node:events')

/** Gives the port, and what ends it. */
async function sink() {
  const child = fork(__filename)
  const [{ port }] = await once(child, 'message')
  return { port, end: () => child.kill('SIGKILL') }
}

function listen() {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1', () => {
    process.send({ port: socket.address().port }, () => {
      // The socket is there for as long as nobody ends this, and nobody looks at it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })
  })
}

if (require.main === module) listen()

module.exports = { sink }
