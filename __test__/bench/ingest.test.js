'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')

const BENCH = path.join(__dirname, '..', '..', 'bench', 'ingest.js')

test('the benchmark of ingest measures inputs, sound and packets, both ways', { skip: process.platform !== 'linux' }, () => {
  const args = [BENCH, '--inputs', '2', '--streams', '2', '--seconds', '0.2', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 })
  assert.equal(status, 0, stderr)
  const results = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const of = kind => results.filter(result => result.kind === kind)
  assert.deepEqual(
    of('packets').map(({ name }) => name),
    ['in: plain RTP', 'in: SRTP by SDES', 'in: WebRTC', 'out: plain RTP', 'out: SRTP by SDES', 'out: WebRTC']
  )
  const inputs = of('inputs')
  assert.deepEqual(
    inputs.map(({ name }) => name.split(',')[0]),
    ['RTMP', 'RTMP', 'SRT', 'SRT']
  )
  const counts = inputs.map(({ pictures }) => pictures.count > 0)
  assert.deepEqual(counts, [false, true, false, true], 'pictures came back, with the moment they were pushed at')
  assert.deepEqual(
    of('sound').map(({ name }) => name),
    ['AAC that nobody hears', 'AAC made Opus']
  )
})

test('options that make no sense are answered with those there are', () => {
  const { status, stderr } = spawnSync(process.execPath, [BENCH, '--inputs', 'many'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /--inputs N/)
})
