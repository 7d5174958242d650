'use strict'

/** What the Dockerfile puts into its image is enough for the room server to run. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { test } = require('node:test')
const { until } = require('../support/events.js')

const ROOT = path.join(__dirname, '..', '..')
const dockerfile = fs.readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8')
const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

test('the files of the last stage start the room server, which is healthy and ends when told', async t => {
  const image = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-image-'))
  t.after(() => fs.rmSync(image, { recursive: true, force: true }))
  for (const [, files] of lastStage.matchAll(/^COPY (?!--from=)(.*) \S+$/gm)) {
    for (const file of files.split(' ')) {
      fs.cpSync(path.join(ROOT, file), path.join(image, file), { recursive: true, filter: name => !name.includes('node_modules') })
    }
  }
  for (const name of fs.readdirSync(ROOT).filter(name => name.endsWith('.node')))
    fs.symlinkSync(path.join(ROOT, name), path.join(image, name))
  fs.mkdirSync(path.join(image, 'node_modules'))
  for (const name of fs.readdirSync(path.join(ROOT, 'node_modules'))) {
    // Links to the checkout, which would hide what is missing.
    const where = name === 'medialoom' ? image : path.join(ROOT, 'node_modules', name)
    if (!name.startsWith('medialoom-')) fs.symlinkSync(where, path.join(image, 'node_modules', name))
  }

  const [, command] = /^CMD (.*)$/m.exec(lastStage)
  const [, ...args] = JSON.parse(command)
  const env = { ...process.env, PORT: '0', HOST: '127.0.0.1', MEDIALOOM_IP: '127.0.0.1', MEDIALOOM_OPEN: '1' }
  delete env.NODE_TEST_CONTEXT
  const server = spawn(process.execPath, ['--preserve-symlinks', ...args], { cwd: image, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', text => (output += text))
  const ended = new Promise(resolve => server.on('exit', resolve))
  t.after(() => server.kill('SIGKILL'))
  const url = await until(
    () => /http:\/\/[\d.]+:\d+/.exec(output)?.[0] ?? (server.exitCode !== null && output),
    'the server to start',
    30_000
  )
  assert.match(url, /^http:/)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  server.kill('SIGTERM')
  assert.equal(await ended, 0, output)
})

test('the ports that the compose file maps are those that the image uses', () => {
  const compose = fs.readFileSync(path.join(ROOT, 'compose.yaml'), 'utf8')
  const exposed = /^EXPOSE (.*)$/m
    .exec(lastStage)[1]
    .split(' ')
    .map(port => port.replace('/tcp', ''))
  const mapped = [...compose.matchAll(/"(\d+):\d+(\/\w+)?"/g)].map(([, port, protocol = '']) => `${port}${protocol}`.replace('/tcp', ''))
  assert.deepEqual(mapped, exposed)
  assert.match(lastStage, new RegExp(`MEDIALOOM_PORT=${exposed[1].split('/')[0]}\\b`))
})
