'use strict'

/**
 * Connections that begin and say nothing more, in a process of its own so that their descriptors are its own: so
 * many from so few addresses that each address has no more than a server takes of strangers.
 *
 *   node half-open.js PORT COUNT
 */

const net = require('node:net')

const [port, count] = process.argv.slice(2).map(Number)
const OF_ONE_ADDRESS = 64
/** That connect at one time: the queue of a listening socket is not endless. */
const AT_ONCE = 100
/** Nothing, C0 alone, and a whole handshake with nothing behind it. */
const WORDS = [Buffer.alloc(0), Buffer.from([3]), Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)])]

const told = { connected: 0, closed: 0 }
let begun = 0

function next() {
  if (begun >= count) return
  const index = begun++
  const address = Math.floor(index / OF_ONE_ADDRESS)
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: `127.0.${1 + (address >> 8)}.${1 + ((address & 0xff) % 250)}` })
  socket.resume()
  let connected = false
  const done = () => {
    if (!connected) next()
    connected = true
  }
  socket.on('error', () => {})
  socket.on('connect', () => {
    told.connected++
    socket.write(WORDS[index % WORDS.length])
    done()
  })
  socket.on('close', () => {
    told.closed++
    done()
  })
}

for (let index = 0; index < AT_ONCE; index++) next()
process.on('message', () => process.send({ ...told, begun }))
process.on('disconnect', () => process.exit())
