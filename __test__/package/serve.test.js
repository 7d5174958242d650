'use strict'

/** The room server as a program: packed, unpacked beside the package, and run by its one command. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { after, before, test } = require('node:test')
const { makeServerPackage, stageMain } = require('../../scripts/package.js')
const { platformName } = require('../../lib/native/platform.js')
const { within } = require('../support/events.js')

const ROOT = path.join(__dirname, '..', '..')
const MODULE = `medialoom.${platformName()}.node`

let folder, modules

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-serve-'))
  modules = path.join(folder, 'project', 'node_modules')
  fs.mkdirSync(modules, { recursive: true })
  fs.renameSync(stageMain(folder, require('../../package.json'), []), path.join(modules, 'medialoom'))
  fs.symlinkSync(path.join(ROOT, MODULE), path.join(modules, 'medialoom', MODULE))
})

after(() => fs.rmSync(folder, { recursive: true, force: true }))

function serve(...args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PORT|HOST|MEDIALOOM_|RTMP|SRT)/.test(name)))
  return [
    process.execPath,
    [path.join(modules, 'medialoom', 'scripts', 'cli.js'), 'serve', ...args],
    { cwd: path.dirname(modules), env, encoding: 'utf8' }
  ]
}

test('without the room server it says the one command that installs it', () => {
  const { status, stderr } = spawnSync(...serve())
  assert.equal(status, 1)
  assert.match(stderr, /^ {2}npm install medialoom-room-server@\d+\.\d+\.\d+$/m)
})

test('with it, it starts, takes flags and environment, and says the link of the host', async t => {
  const tarball = makeServerPackage({ out: folder })
  const server = path.join(modules, 'medialoom-room-server')
  fs.mkdirSync(server)
  execFileSync('tar', ['-xzf', tarball, '-C', server, '--strip-components=1'])
  const manifest = JSON.parse(fs.readFileSync(path.join(server, 'package.json'), 'utf8'))
  assert.deepEqual([manifest.version, manifest.dependencies.medialoom], Array(2).fill(require('../../package.json').version))
  for (const name of Object.keys(manifest.dependencies)) {
    if (name !== 'medialoom') fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name))
  }

  const help = spawnSync(...serve('--help'))
  assert.equal(help.status, 0, help.stderr)
  assert.match(help.stdout, /--rtmp PORT +RTMP_PORT/)
  assert.match(help.stdout, /--srt PORT +SRT_PORT/)
  assert.equal(spawnSync(...serve('--no-such-flag')).status, 2)

  const [program, args, options] = serve('--port', '0', '--rtmp', '0', '--srt', '0', '--recordings', path.join(folder, 'recordings'))
  Object.assign(options.env, { HOST: '127.0.0.1', MEDIALOOM_IP: '127.0.0.1' })
  const child = spawn(program, args, options)
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
  const exited = once(child, 'exit')
  const started = async () => {
    while (!/Encoders: rtmp, port \d+[^]*Encoders: srt, port \d+/.test(said))
      await Promise.race([once(child.stdout, 'data'), exited.then(() => assert.fail(said))])
  }
  await within(20_000, started(), 'a greeting')
  const [, url] = /open at (http:\/\/127\.0\.0\.1:\d+\/)#token=\S+/.exec(said) ?? assert.fail(said)
  assert.equal((await fetch(new URL('healthz', url))).status, 200)
  assert.match(await (await fetch(url)).text(), /<title>/)
  assert.equal((await fetch(new URL('client/index.js', url))).status, 200)
  child.kill('SIGINT')
  assert.equal((await within(20_000, exited, 'the end'))[0], 0, said)
})
