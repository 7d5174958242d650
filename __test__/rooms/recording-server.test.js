'use strict'

/** The room server records: by its signaling and its API, for those who may, and everybody is told. */

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { after, afterEach, before, test } = require('node:test')
const { promisify } = require('node:util')
const { KeyRing, createToken } = require('medialoom/auth')
const { until, within } = require('../support/events.js')
const { readWebm } = require('../support/webm.js')
const { RecordingFixture } = require('./recording-fixture.js')
const { SignalingClient } = require('./signaling-client.js')

const CLI = path.join(__dirname, '../../scripts/cli.js')
const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'room-server', secret: SECRET })

/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {RecordingFixture} */
let people
/** @type {SignalingClient[]} */
const clients = []
let directory = ''

async function startServer(more = {}) {
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  return startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1, mixingThreads: 1 },
    iceServers: [],
    mixer: { audio: true, video: { width: 160, height: 90, frameRate: 10, codecs: ['vp8'] } },
    keys: [{ id: 'room-server', secret: SECRET }],
    recordings: { directory, minFree: 0 },
    ...more
  })
}

before(async () => {
  directory = fs.mkdtempSync('/tmp/medialoom-recordings-')
  people = await RecordingFixture.start()
  server = await startServer()
  people.serve(server.endpoint)
})
after(async () => {
  await server.close()
  await people.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const room of [...server.rooms]) room.close()
  await until(() => server.recordings.idle, 'nothing is being written')
  for (const name of fs.readdirSync(directory)) fs.rmSync(path.join(directory, name), { recursive: true })
})

const tokenFor = (video, more = {}) => createToken(keys, { ...more, video: { room: 'garden', roomJoin: true, ...video } })

/** @param {string} name @param {object} [grants] */
async function join(name, grants = {}, more = {}) {
  const client = await SignalingClient.joined(server.url, { room: 'garden', name, token: await tokenFor(grants), ...more })
  clients.push(client)
  return client
}

/** @param {string} method @param {string} where @param {object} [options] */
async function ask(method, where, { body, grants = { roomRecord: true }, room = 'garden', headers = {} } = /** @type {any} */ ({})) {
  const token = grants === null ? null : await tokenFor(grants)
  const response = await fetch(new URL(`/api/rooms/${room}/recordings${where}`, server.url), {
    method,
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { 'Content-Type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) })
  })
  return { status: response.status, answer: response.status === 204 ? null : await response.json() }
}

/** A finished recording of somebody who sends. @param {import('node:test').TestContext} t */
async function made(t, what = 'tracks') {
  const ada = await people.join(t, server.rooms, 'Ada')
  const started = await ask('POST', '', { body: { what } })
  assert.equal(started.status, 201, JSON.stringify(started.answer))
  const [recording] = ada.room.recordings
  await until(() => recording.files.length > 0 && recording.files.every(({ duration }) => duration > 0.5), 'half a second', 20_000)
  assert.equal((await ask('POST', '/stop')).answer.reason, 'stopped')
  return started.answer.name
}

test('who may records, everybody is told, also who comes later, and nobody else may', async () => {
  const [ada, grace] = [await join('Ada', { roomRecord: true }), await join('Grace', { roomAdmin: true })]
  assert.deepEqual([ada.welcome.records, ada.welcome.recording, ada.welcome.permissions.roomRecord], [true, null, true])
  grace.send({ type: 'record', action: 'start' })
  const refusal = await grace.next('error')
  assert.deepEqual([refusal.code, refusal.request], ['forbidden', 'record'])

  ada.send({ type: 'record', action: 'start', what: 'tracks' })
  for (const each of [ada, grace]) {
    const { recording } = await each.next('recording')
    assert.deepEqual([recording.what, recording.by], ['tracks', 'Ada'])
    assert.ok(Math.abs(recording.since - Date.now()) < 5000)
  }
  const linus = await join('Linus')
  assert.equal(linus.welcome.recording.by, 'Ada')
  ada.send({ type: 'record', action: 'start' })
  assert.equal((await ada.next('error')).code, 'already-recording')
  grace.send({ type: 'record', action: 'stop' })
  assert.equal((await grace.next('error')).code, 'forbidden')
  ada.send({ type: 'record', action: 'mark', name: 'questions' })
  ada.send({ type: 'record', action: 'stop' })
  for (const each of [ada, grace, linus]) {
    const { recording, reason, message } = await each.next('recording')
    assert.deepEqual([recording, reason, message], [null, 'stopped', undefined])
  }
  ada.send({ type: 'record', action: 'stop' })
  assert.equal((await ada.next('error')).code, 'not-recording')
  const { answer } = await ask('GET', '')
  const { marks } = (await ask('GET', `/${answer.recordings[0].name}`)).answer
  assert.deepEqual(
    marks.map(({ name }) => name),
    ['questions']
  )
})

test('a room in which somebody encrypts end to end is not recorded, and is told why', async () => {
  const [ada, grace] = [await join('Ada', { roomRecord: true }), await join('Grace')]
  grace.send({ type: 'media', audio: true, video: true, encrypted: true, streams: [] })
  await ada.next('updated', ({ participant }) => participant.encrypted)
  ada.send({ type: 'record', action: 'start' })
  const { code, message } = await ada.next('error')
  assert.equal(code, 'encrypted')
  assert.match(message, /Grace encrypts/)
  assert.equal((await ask('POST', '')).status, 409)
  assert.deepEqual(fs.readdirSync(directory), [])
})

test('the right to record is given on by those only who have it', async () => {
  const [ada, grace] = [await join('Ada', { roomAdmin: true }), await join('Grace')]
  const permit = client =>
    client.send({ type: 'moderate', action: 'permit', participant: grace.welcome.participant, permissions: { roomRecord: true } })
  permit(ada)
  assert.equal((await ada.next('error')).code, 'forbidden')
  const link = async grants => {
    const token = await tokenFor(grants)
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
    return (
      await fetch(new URL('/api/rooms/garden/tokens', server.url), { method: 'POST', headers, body: JSON.stringify({ roomRecord: true }) })
    ).status
  }
  assert.equal(await link({ roomAdmin: true }), 403)
  assert.equal(await link({ roomAdmin: true, roomRecord: true }), 201)
  permit(await join('Host', { roomAdmin: true, roomRecord: true }))
  assert.equal((await grace.next('permissions')).permissions.roomRecord, true)
})

test('a recording is listed, read whole and in parts, downloaded and deleted', async t => {
  const name = await made(t, 'both')
  const { answer: list } = await ask('GET', '')
  assert.equal(list.plays, true)
  assert.deepEqual(
    list.recordings.map(each => [each.name, each.state, each.what, each.fileCount]),
    [[name, 'finished', 'both', 2]]
  )
  const { answer: details } = await ask('GET', `/${name}`)
  assert.deepEqual(details.files.map(({ source }) => source).sort(), ['camera', 'mix'])
  const film = details.files.find(({ source }) => source === 'mix')
  const url = new URL(film.url, server.url)

  const whole = await fetch(url)
  assert.deepEqual([whole.status, whole.headers.get('content-type'), whole.headers.get('accept-ranges')], [200, 'video/webm', 'bytes'])
  assert.equal(whole.headers.get('content-disposition'), 'inline; filename="mix.webm"')
  assert.match(whole.headers.get('content-security-policy'), /default-src 'none'/)
  const bytes = Buffer.from(await whole.arrayBuffer())
  assert.equal(bytes.length, film.bytes)
  assert.ok(readWebm(bytes).whole)
  const part = async (range, method = 'GET') => {
    const response = await fetch(url, { method, headers: { Range: range } })
    return { status: response.status, range: response.headers.get('content-range'), bytes: Buffer.from(await response.arrayBuffer()) }
  }
  const middle = await part('bytes=10-19')
  assert.deepEqual([middle.status, middle.range], [206, `bytes 10-19/${bytes.length}`])
  assert.ok(middle.bytes.equals(bytes.subarray(10, 20)))
  const tail = await part('bytes=-5')
  assert.ok(tail.status === 206 && tail.bytes.equals(bytes.subarray(-5)))
  const rest = await part(`bytes=${bytes.length - 3}-`)
  assert.ok(rest.status === 206 && rest.bytes.equals(bytes.subarray(-3)))
  assert.deepEqual(
    [(await part(`bytes=${bytes.length}-`)).status, (await part(`bytes=${bytes.length}-`)).range],
    [416, `bytes */${bytes.length}`]
  )
  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=x']) assert.equal((await part(range)).status, 200, range)
  assert.equal((await part('bytes=0-0', 'HEAD')).bytes.length, 0)
  const download = await fetch(`${url}&download`)
  assert.equal(download.headers.get('content-disposition'), 'attachment; filename="mix.webm"')
  await download.arrayBuffer()

  assert.equal((await ask('DELETE', `/${name}`)).status, 204)
  assert.equal((await ask('DELETE', `/${name}`)).status, 404)
  assert.deepEqual((await ask('GET', '')).answer.recordings, [])
  assert.equal((await fetch(url)).status, 404)
  assert.deepEqual(fs.readdirSync(directory), [])
})

test('nobody gets a file without a ticket to it, and no name leads out of the directory', async t => {
  const name = await made(t)
  const { files } = (await ask('GET', `/${name}`)).answer
  const url = new URL(files[0].url, server.url)
  const status = async where => (await fetch(where)).status
  const ticket = url.searchParams.get('ticket')
  for (const other of [
    null,
    '',
    'x',
    `${Number(ticket.split('.')[0]) + 1}.${ticket.split('.')[1]}`,
    `${ticket}x`,
    `1.${ticket.split('.')[1]}`
  ]) {
    const tried = new URL(url)
    if (other === null) tried.searchParams.delete('ticket')
    else tried.searchParams.set('ticket', other)
    assert.equal(await status(tried), 403, String(other))
  }
  for (const file of ['index.json', '..%2f..%2fetc%2fpasswd', '%2e%2e', '%00', `${files[0].file}%2f..%2findex.json`]) {
    assert.ok([403, 404, 400].includes(await status(`${server.url}api/recordings/${name}/${file}?ticket=${ticket}`)), file)
  }
  for (const other of ['..', '%2e%2e%2f', 'none', '..%2f..', '%00', '.hidden']) {
    for (const method of ['GET', 'DELETE']) {
      const { status: answered } = await ask(method, `/${other}`)
      assert.ok(answered === 404 || answered === 400 || (other === '..' && answered === 403), `${method} ${other}: ${answered}`)
    }
  }
  assert.equal(fs.readdirSync(directory).length, 1)
  // Of another room.
  const elsewhere = { grants: { room: 'weft', roomRecord: true }, room: 'weft' }
  assert.deepEqual((await ask('GET', '', elsewhere)).answer.recordings, [])
  assert.equal((await ask('GET', `/${name}`, elsewhere)).status, 404)
  assert.equal((await ask('DELETE', `/${name}`, elsewhere)).status, 404)
  // Without the grant, or any token.
  for (const [grants, expected] of [
    [{}, 403],
    [{ roomAdmin: true }, 403],
    [{ room: 'weft', roomRecord: true }, 403],
    [null, 401]
  ]) {
    assert.equal((await ask('GET', '', { grants })).status, expected)
    assert.equal((await ask('POST', '', { grants, body: {} })).status, expected)
    assert.equal((await ask('DELETE', `/${name}`, { grants })).status, expected)
  }
  assert.equal((await ask('POST', '', { body: { what: 'everything' } })).status, 400)
  assert.equal((await ask('POST', '', { room: 'empty', grants: { room: 'empty', roomRecord: true } })).status, 404)
})

test('an old index, a broken one and foreign files are no trouble', async t => {
  const name = await made(t)
  const put = (recording, contents) => {
    fs.mkdirSync(path.join(directory, recording), { recursive: true })
    fs.writeFileSync(path.join(directory, recording, 'index.json'), contents)
  }
  put('broken', '{')
  put('strange', JSON.stringify({ room: 'garden', state: 7, startedAt: 'x', files: [{ file: '../../etc/passwd' }], duration: 'long' }))
  put('bare', JSON.stringify({ room: 'garden', files: 'none' }))
  put('odd', JSON.stringify({ room: 'garden', files: [null, 7, { file: 'index.json' }] }))
  fs.writeFileSync(path.join(directory, 'notes.txt'), '')
  fs.mkdirSync(path.join(directory, 'empty'))
  const { status, answer } = await ask('GET', '')
  assert.equal(status, 200)
  assert.deepEqual(answer.recordings.map(each => each.name).sort(), [name, 'bare', 'odd', 'strange'].sort())
  assert.deepEqual((await ask('GET', '/strange')).answer.files, [])
  for (const other of ['bare', 'odd']) assert.deepEqual((await ask('GET', `/${other}`)).answer.files, [])
  fs.rmSync(path.join(directory, 'notes.txt'))
})

test('medialoom ctl begins, ends and lists recordings', async t => {
  await people.join(t, server.rooms, 'Ada')
  const ctl = async args =>
    (
      await promisify(execFile)(process.execPath, [CLI, 'ctl', ...args], {
        env: { PATH: process.env.PATH ?? '', MEDIALOOM_URL: server.url, MEDIALOOM_SECRET: SECRET }
      })
    ).stdout.trim()
  const [, name] = /^recording (\S+)$/.exec(await ctl(['record', 'garden', 'tracks'])) ?? []
  assert.ok(name)
  await assert.rejects(ctl(['record', 'garden']), /409: the room is being recorded already/)
  assert.match(await ctl(['recordings', 'garden']), new RegExp(`^${name}\\s+recording\\s+tracks`))
  assert.match(await ctl(['stop', 'garden']), new RegExp(`^${name}: `))
  assert.match(await ctl(['recordings', 'garden']), new RegExp(`^${name}\\s+finished\\s+tracks`))
  await assert.rejects(ctl(['stop', 'garden']), /409: the room is not being recorded/)
})

test('a disk that cannot be written is said to who asked, without a path', async t => {
  const file = path.join(directory, 'file')
  fs.writeFileSync(file, '')
  const other = await startServer({ recordings: { directory: path.join(file, 'inside'), minFree: 0 } })
  t.after(() => other.close())
  const ada = await SignalingClient.joined(other.url, { room: 'garden', name: 'Ada', token: await tokenFor({ roomRecord: true }) })
  clients.push(ada)
  ada.send({ type: 'record', action: 'start', what: 'tracks' })
  const { code, message } = await ada.next('error')
  assert.deepEqual([code, message], ['recording-failed', 'the recording cannot be written: ENOTDIR'])
  fs.rmSync(file)
})

test('a server that stops finishes what it records; one that records nothing says so', async t => {
  const other = await startServer()
  const ada = await SignalingClient.joined(other.url, { room: 'garden', name: 'Ada', token: await tokenFor({ roomRecord: true }) })
  clients.push(ada)
  ada.send({ type: 'record', action: 'start', what: 'tracks' })
  await ada.next('recording')
  await other.close()
  const [name] = fs.readdirSync(directory)
  const index = JSON.parse(fs.readFileSync(path.join(directory, name, 'index.json'), 'utf8'))
  assert.deepEqual([index.state, index.reason], ['finished', 'closed'])

  const silent = await startServer({ recordings: undefined })
  t.after(() => silent.close())
  const grace = await SignalingClient.joined(silent.url, { room: 'garden', name: 'Grace', token: await tokenFor({ roomRecord: true }) })
  clients.push(grace)
  assert.equal(grace.welcome.records, false)
  grace.send({ type: 'record', action: 'start' })
  assert.equal((await grace.next('error')).code, 'cannot-record')
  assert.equal((await fetch(new URL('/api/rooms/garden/recordings', silent.url))).status, 401)
})

test('a recording is played into the room by somebody who is there for as long as it takes', async t => {
  const name = await made(t)
  const [ada] = server.rooms.get('garden').participants
  assert.equal((await ask('GET', '')).answer.plays, true)
  assert.equal((await ask('POST', `/${name}/play`)).status, 204)
  const playing = server.rooms.get('garden').participants.find(each => each !== ada)
  assert.deepEqual([playing.name, playing.role, playing.tracks.length], ['Recording: Ada', 'publisher', 2])
  const [player] = server.endpoint.players
  assert.equal(player.paused, false)
  await within(20_000, once(playing, 'left'), 'the end of the file')
  assert.ok(player.closed)
  await ask('POST', `/${name}/play`, { body: { loop: true } })
  const [looping] = server.endpoint.players
  await within(20_000, once(looping, 'loop'), 'the beginning again')
  assert.equal((await ask('POST', '/stop-playing')).status, 204)
  assert.ok(looping.closed)
  assert.equal((await ask('POST', '/stop-playing')).status, 409)
  await ask('POST', `/${name}/play`)
  assert.equal((await ask('POST', '/stop-playing')).status, 204)
  assert.equal((await ask('POST', `/${name}/play`, { body: { file: '../index.json' } })).status, 404)
})
