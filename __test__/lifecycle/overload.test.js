'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runFaulty } = require('../support/faulty.js')

test('a thread that is too busy takes no new transports, keeps those it has, and says so until it has time again', async () => {
  const { code, output } = await runFaulty(`
    const seen = []
    async function main() {
      const endpoint = await medialoom.Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
      endpoint.ref()
      const before = endpoint.createTransport()
      // A thread looks at its load when it has something to do.
      const told = async overloaded => {
        let load
        endpoint.on('load', event => (load = event))
        while (load?.overloaded !== overloaded) await endpoint.getStats()
        return load
      }
      const create = () => {
        try {
          return endpoint.createTransport().state
        } catch (error) {
          return error.code
        }
      }
      faults(endpoint).loadThread(0, 1)
      const { thread, load } = await told(true)
      const [stats] = (await endpoint.getStats()).threads
      seen.push({ thread, load }, create(), stats.overloaded, stats.transports, before.state)
      faults(endpoint).loadThread(0, 0.1)
      await told(false)
      seen.push(create(), (await endpoint.getStats()).threads[0].overloaded)
      await endpoint.close()
    }
    main().then(() => console.log(JSON.stringify(seen)))
  `)
  assert.equal(code, 0, output)
  assert.deepEqual(JSON.parse(output.trim().split('\n').at(-1)), [{ thread: 0, load: 1 }, 'ERR_BUSY', true, 1, 'new', 'new', false])
})
