'use strict'

/**
 * The server under measurement: an endpoint in a process of its own, as an application would write
 * it. The parent process carries the signaling (see round.js).
 */

const { Audience } = require('./audience.js')
const { sampled } = require('./sample.js')
const [threads, binding] = process.argv.slice(2)
if (binding) loadBinding(binding)
const { Endpoint } = require('..')

/** Puts another build of the native module in the place of the usual one. */
function loadBinding(file) {
  const module = { exports: {} }
  process.dlopen(module, file)
  const id = require.resolve('../lib/native/binding.js')
  require.cache[id] = { id, filename: id, loaded: true, exports: module.exports }
}

async function main() {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: Number(threads), tcp: false })
  endpoint.ref()
  const audience = new Audience(() => endpoint.createTransport())

  process.on('message', async message => {
    if (message.type === 'offer') {
      process.send({ type: 'answer', client: message.client, sdp: await audience.join('all', message) })
    } else {
      process.send({ type: 'sample', sample: await sampled(endpoint, message.type) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send({ type: 'ready' })
}

main()
