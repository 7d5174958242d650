'use strict'

/** How the room server starts, stops and shows itself, as a process of its own. */

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const https = require('node:https')
const os = require('node:os')
const path = require('node:path')
const { afterEach, test } = require('node:test')
const { publisherOffer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

const SERVER = path.join(__dirname, '..', '..', 'examples', 'room-server', 'server.js')
const SECRET = 'a secret of more than thirty-two bytes'

/** @type {{ kill: () => void }[]} */
let started = []
afterEach(() => {
  for (const each of started) each.kill()
  started = []
})

/** Runs server.js with this environment. @param {Record<string, string>} [env] */
async function start(env = {}) {
  const child = spawn(process.execPath, [SERVER], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', MEDIALOOM_IP: '127.0.0.1', MIXING: 'off', ...env }
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  const exited = once(child, 'exit').then(([code]) => code)
  started.push({ kill: () => child.kill('SIGKILL') })
  while (!/^Media:/m.test(output)) await Promise.race([once(child.stdout, 'data'), exited.then(() => assert.fail(output))])
  const [first] = output.split('\n')
  const url = new URL(/\S+$/.exec(first)?.[0] ?? '')
  return { child, exited, first, output: () => output, url: url.origin, token: new URLSearchParams(url.hash.slice(1)).get('token') }
}

const join = ({ url, token }, name) => SignalingClient.joined(url, { room: 'loom', name, ...(token && { token }) })
/** What a newcomer is told. */
async function refusal({ url, token }) {
  const client = new SignalingClient(url)
  await client.opened
  client.send({ type: 'join', room: 'loom', name: 'Late', ...(token && { token }) })
  const { code } = await client.next('error')
  client.close()
  return code
}
const publish = ({ url, token }) =>
  fetch(`${url}/whip/loom`, {
    method: 'POST',
    body: publisherOffer('cam'),
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' }
  })

test('the first line is a link that works, more than once, and without it nobody comes in', async () => {
  const server = await start()
  assert.match(server.first, /^Rooms are open at http:\/\/127\.0\.0\.1:\d+\/#token=[\w.-]+$/)
  assert.match(server.output(), /MEDIALOOM_SECRET has links go on/)
  const [ada, grace] = [await join(server, 'Ada'), await join(server, 'Grace')]
  assert.equal((await ada.next('joined')).participant.name, 'Grace')
  assert.equal(ada.welcome.permissions.roomAdmin, true)
  assert.equal(await refusal({ ...server, token: null }), 'unauthorized')
  for (const client of [ada, grace]) client.close()
})

test('a link made with a secret of the operator is not printed, and works in the next process', async () => {
  const server = await start({ MEDIALOOM_SECRET: SECRET })
  assert.equal(server.token, null)
  assert.doesNotMatch(server.output(), /eyJ/)
  const { KeyRing, createToken } = require('medialoom/auth')
  const token = await createToken(new KeyRing({ id: 'room-server', secret: SECRET }), { video: { room: 'loom', roomJoin: true } })
  ;(await join({ ...server, token }, 'Ada')).close()
})

test('MEDIALOOM_OPEN lets everybody in and says so', async () => {
  const server = await start({ MEDIALOOM_OPEN: '1' })
  assert.equal(server.token, null)
  assert.match(server.output(), /everybody may do everything here/)
  ;(await join(server, 'Ada')).close()
})

test('SIGTERM: nobody new is let in, everyone is told to go, and the server ends when they have', async () => {
  const server = await start({ DRAIN_SECONDS: '60', DRAIN_URL: 'https://other.example.org/' })
  const ada = await join(server, 'Ada')
  const published = await publish(server)
  assert.equal(published.status, 201)
  const before = Date.now()
  server.child.kill('SIGTERM')
  const move = await ada.next('move')
  assert.equal(move.url, 'https://other.example.org/')
  assert.ok(move.deadline >= before + 60_000 && move.deadline <= Date.now() + 60_000)

  assert.equal(await refusal(server), 'shutting-down')
  const late = await publish(server)
  assert.equal(late.status, 503)
  assert.ok(Number(late.headers.get('Retry-After')) > 0)
  assert.deepEqual(await (await fetch(`${server.url}/healthz`)).json(), { status: 'draining' })

  // Those who are in stay, come back after a break, and end in their own time.
  ada.close()
  const back = await SignalingClient.joined(server.url, { room: 'loom', name: 'Ada', session: ada.welcome.session })
  assert.equal(back.welcome.resumed, true)
  assert.equal(server.child.exitCode, null)
  back.send({ type: 'leave' })
  await back.closed
  const gone = await fetch(new URL(published.headers.get('Location') ?? '', server.url), {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${server.token}` }
  })
  assert.equal(gone.status, 200)
  assert.equal(await server.exited, 0, server.output())
  assert.ok(Date.now() < move.deadline, 'it did not wait for the deadline')
})

test('at the deadline whoever is left is told goodbye', async () => {
  const server = await start({ DRAIN_SECONDS: '1' })
  const ada = await join(server, 'Ada')
  const before = Date.now()
  server.child.kill('SIGTERM')
  assert.equal((await ada.next('bye')).code, 'room-closed')
  assert.ok(Date.now() - before > 900)
  assert.equal(await server.exited, 0, server.output())
})

test('a second SIGTERM ends it at once', async () => {
  const server = await start({ DRAIN_SECONDS: '600' })
  const ada = await join(server, 'Ada')
  server.child.kill('SIGTERM')
  await ada.next('move')
  server.child.kill('SIGTERM')
  assert.equal(await server.exited, 1)
  await ada.closed
})

/** A certificate for 127.0.0.1. @param {string} folder */
function makeCertificate(folder) {
  const file = name => path.join(folder, name)
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      file('key.pem'),
      '-out',
      file('cert.pem')
    ],
    { stdio: 'pipe' }
  )
  return { TLS_CERT: file('cert.pem'), TLS_KEY: file('key.pem') }
}

function hasOpenssl() {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
}

test(
  'with certificate files everything goes by TLS, and a renewed one is taken on SIGHUP',
  { skip: hasOpenssl() ? false : 'there is no openssl' },
  async t => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'room-server-tls-'))
    t.after(() => fs.rmSync(folder, { recursive: true }))
    const files = makeCertificate(folder)
    const server = await start(files)
    assert.match(server.first, /^Rooms are open at https:/)
    const options = () => ({ ca: fs.readFileSync(files.TLS_CERT), agent: new https.Agent({ keepAlive: false }) })
    const page = async () => {
      const [response] = await once(https.get(`${server.url}/`, options()), 'response')
      const { fingerprint256 } = response.socket.getPeerCertificate()
      response.resume()
      return { headers: response.headers, fingerprint256 }
    }
    const first = await page()
    assert.match(first.headers['strict-transport-security'], /max-age/)
    const ada = await SignalingClient.joined(
      server.url,
      { room: 'loom', name: 'Ada', token: server.token },
      { ...options(), origin: server.url }
    )
    ada.close()
    makeCertificate(folder)
    server.child.kill('SIGHUP')
    let renewed = first
    for (let tries = 0; tries < 100 && renewed.fingerprint256 === first.fingerprint256; tries++) {
      await new Promise(resolve => setTimeout(resolve, 50))
      renewed = await page().catch(() => first)
    }
    assert.notEqual(renewed.fingerprint256, first.fingerprint256)
    server.child.kill('SIGTERM')
    await server.exited
  }
)
