'use strict'

const assert = require('node:assert/strict')
const { before, test } = require('node:test')

/** @type {typeof import('../../examples/room-server/config.js').readConfig} */
let readConfig

before(async () => {
  ;({ readConfig } = await import('../../examples/room-server/config.js'))
})

test('without an environment the room server listens on port 3000 and leaves the rest to the engine', () => {
  assert.deepEqual(readConfig({}), { ok: true, value: { port: 3000, host: undefined, endpoint: {}, iceServers: [] } })
  assert.deepEqual(readConfig({ PORT: '', HOST: '', MEDIALOOM_IP: '' }), readConfig({}))
})

test('every variable finds its place', () => {
  const { value } = readConfig({
    PORT: '8080',
    HOST: '127.0.0.1',
    MEDIALOOM_IP: '10.0.0.5, fd00::5',
    PUBLIC_URL: 'https://example.org/media',
    MEDIALOOM_ANNOUNCED_IP: '203.0.113.5+media.example.org,2001:db8::5',
    MEDIALOOM_ANNOUNCED_PORT: '30000',
    MEDIALOOM_PORT: '40000',
    MEDIALOOM_THREADS: '2',
    MEDIALOOM_MIXING_THREADS: '3',
    MIXING: 'off',
    MIXING_FONTS: '/fonts/one.ttf, two.otf',
    ICE_SERVERS: '[{"urls":"stun:stun.example.org"}]',
  })
  assert.deepEqual(value, {
    port: 8080,
    host: '127.0.0.1',
    baseUrl: 'https://example.org/media',
    endpoint: {
      listen: [
        { ip: '10.0.0.5', announcedIp: ['203.0.113.5', 'media.example.org'], announcedPort: 30000 },
        { ip: 'fd00::5', announcedIp: '2001:db8::5', announcedPort: 30000 },
      ],
      port: 40000,
      threads: 2,
      mixingThreads: 3,
    },
    mixer: false,
    fonts: ['/fonts/one.ttf', 'two.otf'],
    iceServers: [{ urls: 'stun:stun.example.org' }],
  })
})

test('an announced address alone goes with all addresses', () => {
  assert.deepEqual(readConfig({ MEDIALOOM_ANNOUNCED_IP: '203.0.113.5' }).value.endpoint, {
    listen: [{ ip: '0.0.0.0', announcedIp: '203.0.113.5' }],
  })
})

test('what cannot be used is named', () => {
  const wrong = {
    PORT: '70000',
    MEDIALOOM_IP: 'localhost',
    MEDIALOOM_ANNOUNCED_IP: '10.0.0.5 10.0.0.6',
    MEDIALOOM_ANNOUNCED_PORT: '30000',
    PUBLIC_URL: 'example.org',
    MEDIALOOM_PORT: 'many',
    MEDIALOOM_THREADS: '0',
    MIXING: 'maybe',
    ICE_SERVERS: '{',
  }
  for (const [name, value] of Object.entries(wrong)) {
    const config = readConfig({ [name]: value })
    assert.equal(config.ok, false)
    assert.match(config.message, new RegExp(name))
  }
  const uneven = readConfig({ MEDIALOOM_IP: '10.0.0.5,10.0.0.6', MEDIALOOM_ANNOUNCED_IP: '203.0.113.5' })
  assert.match(uneven.message, /as many addresses/)
})
