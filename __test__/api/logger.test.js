'use strict'

const assert = require('node:assert/strict')
const { afterEach, test } = require('node:test')
const { Endpoint, setLogger } = require('../..')
const { block, until } = require('../support/events.js')
const { runScript } = require('../support/child.js')

afterEach(() => setLogger(null))

async function makeSomeNoise() {
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const transport = endpoint.createTransport()
  await transport.acceptOffer('nonsense').catch(() => {})
  await endpoint.close()
}

test('a function gets records of the level asked for', async () => {
  const records = []
  setLogger(record => records.push(record), { level: 'trace' })
  await makeSomeNoise()
  await until(() => records.some(record => record.target.startsWith('medialoom')), 'a record of the engine')
  for (const record of records) {
    assert.match(record.level, /^(error|warn|info|debug|trace)$/)
    assert.equal(typeof record.target, 'string')
    assert.equal(typeof record.message, 'string')
    assert.ok(Math.abs(record.time - Date.now()) < 60_000)
    for (const value of Object.values(record.fields)) assert.equal(typeof value, 'string')
  }
})

test('a level lets nothing less severe through', async () => {
  const records = []
  setLogger(record => records.push(record), { level: 'error' })
  await makeSomeNoise()
  await new Promise(resolve => setTimeout(resolve, 100))
  assert.deepEqual(
    records.filter(record => record.level !== 'error'),
    []
  )
})

test('a logger with methods, such as pino, gets fields and message', async () => {
  const lines = []
  const method = level => (fields, message) => lines.push({ level, fields, message })
  setLogger({ error: method('error'), warn: method('warn'), info: method('info'), debug: method('debug') }, { level: 'trace' })
  await makeSomeNoise()
  await until(() => lines.length > 0, 'a line')
  for (const { fields, message } of lines) {
    assert.equal(typeof fields.target, 'string')
    assert.equal(typeof message, 'string')
  }
})

test('null makes it quiet again', async () => {
  const records = []
  setLogger(record => records.push(record), { level: 'trace' })
  setLogger(null)
  await makeSomeNoise()
  await new Promise(resolve => setTimeout(resolve, 100))
  assert.deepEqual(records, [])
})

test('when JavaScript does not keep up, dropped records are counted in a later one', async () => {
  const records = []
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  setLogger(record => records.push(record), { level: 'trace' })
  for (let count = 0; count < 1500; count++) {
    const transport = endpoint.createTransport()
    transport.acceptOffer('nonsense').catch(() => {})
    transport.close()
  }
  block(500)
  const dropped = await until(() => records.find(record => /dropped/.test(record.message)), 'the record of the drops')
  assert.ok(Number(dropped.fields.count) > 0)
  await endpoint.close()
})

test('an exception in a logger surfaces as uncaughtException and breaks nothing', async () => {
  const { code, output } = await runScript(`
    const { Endpoint, setLogger } = require('./index.js')
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    setLogger(() => { throw new Error('logger broke') }, { level: 'trace' })
    Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
      .then(async endpoint => {
        await endpoint.createTransport().acceptOffer('nonsense').catch(() => {})
        await endpoint.getStats()
        await endpoint.close()
        console.log('closed')
      })
  `)
  assert.equal(code, 0, output)
  assert.match(output, /uncaught logger broke/)
  assert.match(output, /closed/)
})
