'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')
const { cacheFolder } = require('../../bench/build.js')

const CLI = path.join(__dirname, '..', '..', 'scripts', 'cli.js')

const cli = (args, env = process.env) => spawnSync(process.execPath, [CLI, ...args], { env, encoding: 'utf8' })

test('what an installed package builds goes where the system keeps what can be made again', () => {
  assert.equal(cacheFolder({}, 'linux', '/home/ada'), path.join('/home/ada', '.cache'))
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/cache' }, 'linux', '/home/ada'), '/cache')
  assert.equal(cacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux', '/home/ada'), path.join('/home/ada', '.cache'))
  assert.equal(cacheFolder({}, 'darwin', '/Users/ada'), path.join('/Users/ada', 'Library', 'Caches'))
  assert.equal(cacheFolder({ LOCALAPPDATA: '/local' }, 'win32', '/ada'), '/local')
})

test('without cargo the benchmark says what is missing and how to get it', { skip: process.platform !== 'linux' }, () => {
  const { status, stderr } = cli(['bench', '--quick'], { ...process.env, PATH: '/nonexistent' })
  assert.equal(status, 1)
  assert.match(stderr, /^Building the benchmark's clients needs what is missing here:\n {2}cargo \(.*rustup\.rs\)/)
})

test('the command line tells what it can do', () => {
  assert.match(cli([]).stderr, /medialoom build .*\nmedialoom ctl .*\nmedialoom bench /)
  assert.equal(cli(['brew']).status, 1)
  const { status, stdout } = cli(['bench', '--help'])
  assert.equal(status, 0)
  assert.match(stdout, /--whip URL/)
})
