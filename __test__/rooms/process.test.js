'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { test } = require('node:test')
const { SignalingClient } = require('./signaling-client.js')

const SERVER = path.join(__dirname, '..', '..', 'examples', 'room-server', 'server.js')

/** Runs server.js with this environment. @param {Record<string, string>} env */
function start(env) {
  const child = spawn(process.execPath, [SERVER], { env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  const exited = once(child, 'exit').then(([code]) => code)
  return {
    child,
    exited,
    output: () => output,
    /** The address it says it is open at. */
    async url() {
      for (;;) {
        const url = /open at (\S+)/.exec(output)?.[1]
        if (url) return url
        await Promise.race([once(child.stdout, 'data'), exited.then(() => assert.fail(output))])
      }
    }
  }
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} says goodbye to everyone and ends the server`, async () => {
    const server = start({ MEDIALOOM_IP: '127.0.0.1', MEDIALOOM_OPEN: '1', DRAIN_SECONDS: '0' })
    const url = await server.url()
    const ada = await SignalingClient.joined(url, { room: 'loom', name: 'Ada' })
    const stranger = new SignalingClient(url)
    await stranger.opened
    server.child.kill(signal)
    assert.equal((await ada.next('bye')).code, 'room-closed')
    assert.deepEqual(await Promise.all([ada.closed, stranger.closed]), [1001, 1001])
    assert.equal(await server.exited, 0, server.output())
  })
}

test('an environment that cannot be used ends the server with the variable named', async () => {
  const server = start({ MEDIALOOM_THREADS: 'many' })
  assert.equal(await server.exited, 2)
  assert.match(server.output(), /MEDIALOOM_THREADS/)
})

test('a port that is taken ends the server with a message', async () => {
  const first = start({ MEDIALOOM_IP: '127.0.0.1' })
  const second = start({ MEDIALOOM_IP: '127.0.0.1', PORT: new URL(await first.url()).port })
  assert.equal(await second.exited, 1)
  assert.match(second.output(), /could not start/)
  first.child.kill()
  await first.exited
})
