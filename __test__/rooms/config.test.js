'use strict'

const assert = require('node:assert/strict')
const { before, test } = require('node:test')

const SECRET = 'a secret of more than thirty-two bytes'

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
    MEDIALOOM_OPEN: '1',
    MEDIALOOM_SECRET: SECRET,
    MEDIALOOM_KEYS: `one:${SECRET}1, two:${SECRET}:2`,
    BAN_BY: 'token',
    ALLOWED_ORIGINS: 'https://one.example, http://two.example:8080',
    TRUST_PROXY: 'loopback, 10.0.0.0/8',
    TLS_CERT: 'cert.pem',
    TLS_KEY: 'key.pem',
    ADMIN_PORT: '9000',
    DRAIN_SECONDS: '60',
    DRAIN_URL: 'https://other.example.org/',
    WEBHOOK_URLS: 'https://hooks.example.org/a,http://127.0.0.1:1/b'
  })
  assert.deepEqual(value, {
    port: 8080,
    host: '127.0.0.1',
    baseUrl: 'https://example.org/media',
    endpoint: {
      listen: [
        { ip: '10.0.0.5', announcedIp: ['203.0.113.5', 'media.example.org'], announcedPort: 30000 },
        { ip: 'fd00::5', announcedIp: '2001:db8::5', announcedPort: 30000 }
      ],
      port: 40000,
      threads: 2,
      mixingThreads: 3
    },
    mixer: false,
    fonts: ['/fonts/one.ttf', 'two.otf'],
    iceServers: [{ urls: 'stun:stun.example.org' }],
    open: true,
    keys: [
      { id: 'room-server', secret: SECRET },
      { id: 'one', secret: `${SECRET}1` },
      { id: 'two', secret: `${SECRET}:2` }
    ],
    banBy: 'token',
    origins: ['https://one.example', 'http://two.example:8080'],
    trustProxy: ['loopback', '10.0.0.0/8'],
    tls: { cert: 'cert.pem', key: 'key.pem' },
    admin: { port: 9000, host: '127.0.0.1' },
    drain: { seconds: 60, url: 'https://other.example.org/' },
    webhooks: ['https://hooks.example.org/a', 'http://127.0.0.1:1/b']
  })
  assert.equal(readConfig({ TRUST_PROXY: '2' }).value.trustProxy, 2)
  assert.equal(readConfig({ MEDIALOOM_OPEN: '0' }).value.open, undefined)
})

test('an announced address alone goes with all addresses', () => {
  assert.deepEqual(readConfig({ MEDIALOOM_ANNOUNCED_IP: '203.0.113.5' }).value.endpoint, {
    listen: [{ ip: '0.0.0.0', announcedIp: '203.0.113.5' }]
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
    MEDIALOOM_OPEN: 'yes',
    MEDIALOOM_SECRET: 'too short',
    MEDIALOOM_KEYS: `one:short`,
    MEDIALOOM_PUBLIC_KEYS: 'one:/no/such/file.pem',
    ALLOWED_ORIGINS: 'example.org',
    TRUST_PROXY: 'everyone',
    TLS_CERT: 'cert.pem',
    ADMIN_PORT: '70000',
    ADMIN_HOST: '0.0.0.0',
    DRAIN_SECONDS: '-1',
    DRAIN_URL: 'elsewhere',
    WEBHOOK_URLS: 'ftp://example.org'
  }
  for (const [name, value] of Object.entries(wrong)) {
    const config = readConfig({ [name]: value })
    assert.equal(config.ok, false)
    assert.match(config.message, new RegExp(name))
  }
  const uneven = readConfig({ MEDIALOOM_IP: '10.0.0.5,10.0.0.6', MEDIALOOM_ANNOUNCED_IP: '203.0.113.5' })
  assert.match(uneven.message, /as many addresses/)
})

test('encoders are listened for where it says so, encrypted with the certificate', () => {
  const certificate = { TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem' }
  const { value } = readConfig({
    ...certificate,
    RTMP_PORT: '1935',
    RTMPS_PORT: '1936',
    SRT_PORT: '9000',
    SRT_PASSPHRASE: 'a-passphrase',
    SRT_LATENCY: '300',
    RTMP_B_FRAMES: 'mix',
    RTP_ADDRESS: '192.0.2.1',
    INPUT_PRIVATE_ADDRESSES: '1'
  })
  assert.deepEqual(value.inputs, {
    rtmpPort: 1935,
    rtmpsPort: 1936,
    srtPort: 9000,
    srtPassphrase: 'a-passphrase',
    srtLatency: 300,
    bFrames: 'mix',
    rtpAddress: '192.0.2.1',
    allowPrivate: true
  })
  const wrong = (env, message) => assert.match(readConfig(env).message, message)
  wrong({ RTMPS_PORT: '1936' }, /RTMPS_PORT: goes with TLS_CERT and TLS_KEY/)
  wrong({ RTMP_B_FRAMES: 'mix', MIXING: 'off' }, /RTMP_B_FRAMES: mixing is off/)
  wrong({ RTMP_PORT: '70000' }, /RTMP_PORT/)
  wrong({ SRT_PASSPHRASE: 'short' }, /SRT_PASSPHRASE: must have 10 to 79 letters/)
  wrong({ SRT_LATENCY: '5' }, /SRT_LATENCY/)
  wrong({ RTP_ADDRESS: 'camera.example' }, /RTP_ADDRESS: must be an IP address/)
})

test('recordings have a directory, and what else is said of them goes with it', () => {
  const day = 24 * 60 * 60 * 1000
  const { value } = readConfig({
    RECORDINGS: '/srv/recordings',
    RECORDINGS_KEEP_DAYS: '30',
    RECORDINGS_KEEP_GB: '500',
    RECORDINGS_MAX_HOURS: '4',
    RECORDINGS_MIN_FREE_GB: '0'
  })
  assert.deepEqual(value.recordings, {
    directory: '/srv/recordings',
    maxDuration: day / 6,
    minFree: 0,
    retention: { maxAge: 30 * day, maxSize: 500e9 }
  })
  assert.deepEqual(readConfig({ RECORDINGS: '/srv/recordings' }).value.recordings, {
    directory: '/srv/recordings',
    maxDuration: day / 2,
    minFree: 1e9
  })
  const wrong = (env, said) => {
    const { ok, message } = readConfig(env)
    assert.equal(ok, false)
    assert.match(message, said)
  }
  wrong({ RECORDINGS_KEEP_DAYS: '3' }, /RECORDINGS_KEEP_DAYS: goes with RECORDINGS/)
  wrong({ RECORDINGS: '/srv', RECORDINGS_S3_ENDPOINT: 'http://localhost:9000' }, /RECORDINGS_S3_ENDPOINT: goes with RECORDINGS_S3/)
  wrong({ RECORDINGS: '/srv', RECORDINGS_S3: 'bucket' }, /RECORDINGS_S3: must be s3:/)
  wrong({ RECORDINGS: '/srv', RECORDINGS_S3: 's3://bucket/prefix' }, /npm install @aws-sdk\/client-s3/)
  wrong({ RECORDINGS: '/srv', RECORDINGS_KEEP_DAYS: '0' }, /RECORDINGS_KEEP_DAYS/)
})
