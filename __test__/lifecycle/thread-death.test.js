'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { runFaulty } = require('../support/faulty.js')

/** Runs a script that has `endpoint` with two media threads and prints one JSON line of what it saw. */
async function see(script) {
  const { code, output } = await runFaulty(`
    const seen = []
    const connected = async transport => {
      while (transport.state !== 'connected') await once(transport, 'state')
    }
    const negotiate = async (client, server) => {
      client.createDataChannel('first')
      await client.acceptAnswer(await server.acceptOffer(await client.createOffer()))
      await Promise.all([connected(client), connected(server)])
    }
    async function main() {
      const endpoint = await medialoom.Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 2 })
      endpoint.ref()
      ${script}
      await endpoint.close()
    }
    main().then(() => console.log(JSON.stringify(seen)))
  `)
  assert.equal(code, 0, output)
  const lines = output.trim().split('\n')
  // What panics is told in the log and nowhere else.
  assert.equal(lines.length, 1, output)
  return JSON.parse(lines[0])
}

test('a media thread that dies closes what lived on it, after an error of the endpoint, and the next one has its port', async () => {
  const seen = await see(`
    // On a thread of its own each, because they take turns.
    const unlucky = endpoint.createTransport({ iceLite: false })
    const lucky = endpoint.createTransport()
    await negotiate(unlucky, lucky)
    const outgoing = unlucky.createOutgoingStream({ audio: 1 }).audio[0]
    const channel = unlucky.createDataChannel('chat')
    const groups = [endpoint.createActiveSpeakerDetector(), endpoint.createActiveSpeakerDetector()]
    const slots = groups.map(group => group.createSlots(1))
    endpoint.on('error', error => seen.push(['endpoint', error.code, /media thread 0 /.test(error.message)]))
    const note = (name, object) => object.on('closed', reason => seen.push([name, reason]))
    note('outgoing', outgoing)
    note('channel', channel)
    note('unlucky', unlucky)
    note('lucky', lucky)
    groups.forEach((group, index) => note('group ' + index, group))
    slots.forEach((set, index) => note('slots ' + index, set))
    const pending = unlucky.createOffer({ iceRestart: true }).then(() => 'answered', error => error.code)

    const ended = once(endpoint, 'error')
    const offering = () => unlucky.createOffer().then(() => 'answered', error => error.code)
    await pending
    faults(endpoint).panicThread(0)
    const asked = [offering(), endpoint.getStats().then(stats => stats.threads.length)]
    const closing = lucky.getStats().then(stats => stats.state)
    await ended
    await new Promise(setImmediate)
    seen.push(await Promise.all(asked), await closing, (await endpoint.getStats()).threads.map(each => each.transports))
    seen.push([unlucky.closed, unlucky.state, endpoint.transports.length, endpoint.activeSpeakerDetectors.length])

    const next = endpoint.createTransport({ iceLite: false })
    seen.push(['next', next.thread])
    const other = endpoint.createTransport()
    await negotiate(next, other)
    seen.push([next.state, lucky.closed])
  `)
  assert.deepEqual(seen, [
    ['endpoint', 'ERR_INTERNAL', true],
    ['outgoing', 'parent'],
    ['channel', 'parent'],
    ['unlucky', 'error'],
    ['slots 0', 'parent'],
    ['group 0', 'error'],
    ['ERR_CLOSED', 2],
    'connected',
    [0, 1],
    [true, 'closed', 1, 1],
    ['next', 0],
    ['connected', false],
    // The endpoint closes.
    ['lucky', 'parent'],
    ['slots 1', 'parent'],
    ['group 1', 'parent']
  ])
})

test('what was closing when its thread died is closed, and transports made meanwhile live on the next thread', async () => {
  const seen = await see(`
    endpoint.on('error', () => seen.push('error'))
    const closing = endpoint.createTransport()
    const first = endpoint.createTransport()
    faults(endpoint).panicThread(0)
    closing.on('closed', reason => seen.push(reason))
    await Promise.all([closing.close(), once(endpoint, 'error')])
    // Answered by the next thread.
    await endpoint.getStats()
    const next = endpoint.createTransport()
    seen.push(next.thread, (await next.createOffer({}).catch(error => error.code)))
    seen.push((await endpoint.getStats()).transports.length, first.closed)
  `)
  assert.deepEqual(seen.slice().sort(), ['error', 'closed', 0, 'ERR_INVALID_STATE', 2, false].sort())
})

test('a thread that dies again and again is there after each time', async () => {
  const seen = await see(`
    let errors = 0
    endpoint.on('error', () => errors++)
    for (let death = 1; death <= 7; death++) {
      const transport = endpoint.createTransport()
      const closed = once(transport, 'closed')
      faults(endpoint).panicThread(transport.thread)
      const [reason] = await closed
      if (reason !== 'error') seen.push(reason)
      await endpoint.getStats()
    }
    seen.push(errors)
  `)
  assert.deepEqual(seen, [7])
})

test('a panic is one record of the log a second, with the thread and the place', async () => {
  const seen = await see(`
    const records = []
    medialoom.setLogger(record => records.push(record), { level: 'error' })
    endpoint.on('error', () => {})
    const transports = [endpoint.createTransport(), endpoint.createTransport()]
    for (const { id } of transports) faults(endpoint).panicTransport(id)
    await Promise.all(transports.map(transport => new Promise(resolve => transport.on('error', () => {}).on('closed', resolve))))
    await new Promise(resolve => setTimeout(resolve, 1100))
    faults(endpoint).panicThread(1)
    await once(endpoint, 'error')
    const panics = () => records.filter(({ message }) => message.startsWith('panic'))
    while (panics().length < 2) await new Promise(resolve => setTimeout(resolve, 5))
    for (const { message, fields } of panics()) {
      seen.push([message, /^medialoom-\\d$/.test(fields.thread), /\\.rs:\\d+/.test(fields.location), fields.left_out])
    }
  `)
  assert.deepEqual(seen, [
    ['panic: injected', true, true, '0'],
    ['panic: as the test wants', true, true, '1']
  ])
})

test('an event that JavaScript cannot take is lost alone', async () => {
  const seen = await see(`
    const records = []
    medialoom.setLogger(record => records.push(record), { level: 'error' })
    const transports = [0, 1, 2].map(() => endpoint.createTransport())
    await endpoint.getStats()
    transports.forEach((transport, index) => transport.on('closed', reason => seen.push([index, reason])))
    let refused = 0
    Object.defineProperty(Object.prototype, 'error', {
      configurable: true,
      set() {
        refused++
        throw new Error('not today')
      }
    })
    for (const { id } of transports) faults(endpoint).panicTransport(id)
    while (endpoint.transports.length > 0) await new Promise(resolve => setTimeout(resolve, 5))
    delete Object.prototype.error
    seen.push(refused, records.some(({ message }) => message.endsWith('Error: not today')))
  `)
  const closed = [0, 1, 2].map(index => [index, 'error'])
  assert.deepEqual(seen.slice(0, 3).sort(), closed)
  assert.deepEqual(seen.slice(3), [3, true])
})

test('a transport of plain RTP closes with its thread, and its port is free for the next one', async () => {
  const seen = await see(`
    const made = [await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }] } })]
    if (made[0].thread !== 0) made.unshift(await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }] } }))
    const unlucky = made.find(({ thread }) => thread === 0)
    const [{ port }] = unlucky.ports
    unlucky.on('closed', reason => seen.push(['closed', reason]))
    endpoint.on('error', error => seen.push(['endpoint', error.code]))
    const ended = once(endpoint, 'error')
    faults(endpoint).panicThread(0)
    await ended
    await new Promise(setImmediate)
    seen.push([unlucky.closed, endpoint.rtpTransports.includes(unlucky)])
    const next = await endpoint.createRtpTransport({ audio: { codecs: [{ name: 'pcmu' }], port } })
    seen.push(next.ports[0].port === port)
  `)
  assert.deepEqual(seen, [['endpoint', 'ERR_INTERNAL'], ['closed', 'error'], [true, false], true])
})
