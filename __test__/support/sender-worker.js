'use strict'

/**
 * A peer on a thread of its own. It connects to the main thread's transport and then, while that
 * thread is blocked, sends numbered messages and opens and closes channels.
 */

const { parentPort, workerData } = require('node:worker_threads')
const { Endpoint } = require('../..')
const { connected } = require('./loopback.js')

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

async function main() {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const transport = endpoint.createTransport({ iceLite: false })
  const channel = transport.createDataChannel('numbers')
  const ready = connected(transport)
  parentPort.postMessage(await transport.createOffer())
  parentPort.once('message', answer => transport.acceptAnswer(answer))
  await ready
  // The main thread blocks itself when it hears this.
  parentPort.postMessage('connected')
  await sleep(200)
  for (let number = 0; number < workerData.messages; number++) {
    channel.send(String(number))
    if (number % 20 === 0) {
      const other = transport.createDataChannel(`channel ${number}`)
      other.send('hello')
      while (other.bufferedAmount > 0) await sleep(1)
      other.close()
    }
  }
  parentPort.postMessage('sent')
  parentPort.once('message', () => endpoint.close())
}

void main()
