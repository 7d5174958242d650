'use strict'

/** Where recordings are kept: names that lead nowhere else, and a real server of the S3 protocol. */

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const { test } = require('node:test')
const { DirectoryStorage, expireRecordings, listRecordings, readIndex, removeRecording } = require('medialoom/storage')
const { S3Storage } = require('medialoom/storage/s3')
const { until } = require('../support/events.js')
const { readWebm } = require('../support/webm.js')
const { RecordingFixture, folder, recorded } = require('./recording-fixture.js')

const TOOLS = path.join(__dirname, '../../tools/node_modules')
const MEGABYTE = 1024 * 1024

/** @param {AsyncIterable<{ name: string, size: number }>} files */
async function listed(files) {
  const found = []
  for await (const { name, size } of files) found.push([name, size])
  return found.sort()
}

async function bytesOf(stream) {
  const chunks = []
  for await (const chunk of await stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const hostile = [
  '../x',
  'a',
  'a/b/c',
  '/a/b',
  'a/..',
  '../../etc/passwd',
  'a/.b',
  '.a/b',
  'a\\b/c',
  'a/b\0',
  'nul/x',
  'a/',
  `a/${'x'.repeat(129)}`,
  7
]

test('a directory keeps, lists, reads and removes files, and nothing of it leads out of the directory', async t => {
  const directory = folder(t)
  const storage = new DirectoryStorage(directory)
  const file = path.join(folder(t), 'made')
  fs.writeFileSync(file, 'twelve bytes')
  await storage.put('one/film.webm', file)
  await storage.put('one/index.json', file)
  await storage.put('two/film.webm', file)
  assert.deepEqual(await listed(storage.list()), [
    ['one/film.webm', 12],
    ['one/index.json', 12],
    ['two/film.webm', 12]
  ])
  assert.deepEqual(await listed(storage.list('two')), [['two/film.webm', 12]])
  assert.equal(String(await bytesOf(storage.read('one/film.webm', { start: 7, end: 10 }))), 'byte')
  assert.equal(await storage.stat('one/none'), null)
  await assert.rejects(storage.read('one/none'), { code: 'ENOENT' })
  for (const name of hostile) {
    await assert.rejects(storage.stat(/** @type {any} */ (name)), { code: 'ERR_INVALID_ARG' }, String(name))
    await assert.rejects(storage.put(/** @type {any} */ (name), file), { code: 'ERR_INVALID_ARG' }, String(name))
  }

  const secret = path.join(folder(t), 'secret')
  fs.mkdirSync(secret)
  fs.writeFileSync(path.join(secret, 'key.pem'), 'a key')
  fs.symlinkSync(secret, path.join(directory, 'linked'))
  fs.symlinkSync(path.join(secret, 'key.pem'), path.join(directory, 'one', 'linked.pem'))
  for (const name of ['linked/key.pem', 'one/linked.pem']) {
    assert.equal(await storage.stat(name), null, name)
    await assert.rejects(storage.read(name), { code: 'ENOENT' }, name)
  }
  assert.equal((await listed(storage.list())).length, 3)

  await storage.remove('two/film.webm')
  await storage.remove('two/film.webm')
  assert.equal(fs.existsSync(path.join(directory, 'two')), false, 'an empty recording is gone')
  assert.equal(await removeRecording(storage, 'one'), true)
  assert.equal(await removeRecording(storage, 'one'), false)
  assert.equal(await removeRecording(storage, '../secret'), false)
  assert.ok(fs.existsSync(path.join(secret, 'key.pem')))
})

test('an index is JSON or nothing, whatever is in its place', async t => {
  const directory = folder(t)
  const storage = new DirectoryStorage(directory)
  const index = contents => {
    fs.mkdirSync(path.join(directory, 'one'), { recursive: true })
    fs.writeFileSync(path.join(directory, 'one', 'index.json'), contents)
    return readIndex(storage, 'one')
  }
  assert.deepEqual(await index('{"room":"garden"}'), { room: 'garden' })
  for (const contents of ['', '{', '7', 'null', '[]']) assert.equal(await index(contents), null, contents)
  fs.truncateSync(path.join(directory, 'one', 'index.json'), 17 * MEGABYTE)
  assert.equal(await readIndex(storage, 'one'), null, 'too large')
  assert.equal(await readIndex(storage, '..'), null)
  assert.equal(await readIndex(storage, 'none'), null)
})

test('the oldest go first, by age, size and number, and what goes on stays', async t => {
  const directory = folder(t)
  const storage = new DirectoryStorage(directory)
  const now = Date.now()
  for (const [name, age] of [
    ['a', 4],
    ['b', 3],
    ['c', 2],
    ['d', 1]
  ]) {
    fs.mkdirSync(path.join(directory, name))
    const file = path.join(directory, name, 'film.webm')
    fs.writeFileSync(file, Buffer.alloc(100))
    fs.utimesSync(file, new Date(now - age * 1000), new Date(now - age * 1000))
  }
  assert.deepEqual(
    (await listRecordings(storage)).map(({ name, size }) => [name, size]),
    [
      ['a', 100],
      ['b', 100],
      ['c', 100],
      ['d', 100]
    ]
  )
  assert.deepEqual(await expireRecordings(storage, { maxAge: 3500 }, { now, except: ['a'] }), [])
  assert.deepEqual(await expireRecordings(storage, { maxAge: 3500 }, { now }), ['a'])
  assert.deepEqual(await expireRecordings(storage, { maxSize: 200 }, { now, except: ['b'] }), ['c'])
  assert.deepEqual(await expireRecordings(storage, { maxCount: 1 }, { now }), ['b'])
  assert.deepEqual(await expireRecordings(storage, {}, { now }), [])
})

const noTools = fs.existsSync(path.join(TOOLS, '@aws-sdk/client-s3')) ? false : 'no AWS SDK: npm ci in tools/'

test('in a bucket', { skip: noTools }, async t => {
  // Optional peers, which an application has beside the package.
  process.env.NODE_PATH = TOOLS
  Module['_initPaths']()
  const { S3Client } = require(path.join(TOOLS, '@aws-sdk/client-s3'))
  const S3rver = require(path.join(TOOLS, '@20minutes/s3rver'))
  let server
  let endpoint = ''
  const begin = async (port = 0) => {
    server = new S3rver({ port, address: '127.0.0.1', silent: true, directory: data, configureBuckets: [{ name: 'recordings' }] })
    const address = await server.run()
    endpoint = `http://127.0.0.1:${address.port}`
    return address.port
  }
  const data = folder(t)
  const port = await begin()
  t.after(() => server.close())

  /** How often each command was sent, and which fail. */
  function storageOf({ failing = () => false, ...options } = {}) {
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
    })
    const sent = []
    client.middlewareStack.add(
      (next, { commandName }) =>
        args => {
          // This server signs the path of a bucket without the slash at its end.
          args.request.path = args.request.path.replace(/\/$/, '')
          sent.push(commandName)
          if (failing(commandName)) throw new Error('out of reach')
          return next(args)
        },
      { step: 'build', name: 'watch' }
    )
    return { storage: new S3Storage({ client, bucket: 'recordings', partSize: 5 * MEGABYTE, pollInterval: 50, ...options }), sent }
  }
  const count = (sent, name) => sent.filter(each => each === name).length

  await t.test('files are stored in parts, listed by recording, read in ranges and removed', async t => {
    const { storage, sent } = storageOf({ prefix: 'archive/' })
    const file = path.join(folder(t), 'film')
    const bytes = randomBytes(11 * MEGABYTE)
    fs.writeFileSync(file, bytes)
    await storage.put('one/film.webm', file)
    assert.equal(count(sent, 'UploadPartCommand'), 3)
    fs.writeFileSync(file, 'small')
    await storage.put('one/index.json', file)
    await storage.put('two/index.json', file)
    assert.deepEqual(await listed(storage.list()), [
      ['one/film.webm', bytes.length],
      ['one/index.json', 5],
      ['two/index.json', 5]
    ])
    assert.deepEqual(await listed(storage.list('two')), [['two/index.json', 5]])
    assert.deepEqual(await listed(storageOf().storage.list()), [], 'without the prefix they are nothing')
    assert.equal((await storage.stat('one/film.webm')).size, bytes.length)
    assert.equal(await storage.stat('one/none'), null)
    assert.ok((await bytesOf(storage.read('one/film.webm'))).equals(bytes))
    const part = await bytesOf(storage.read('one/film.webm', { start: 5 * MEGABYTE - 1, end: 5 * MEGABYTE + 1 }))
    assert.ok(part.equals(bytes.subarray(5 * MEGABYTE - 1, 5 * MEGABYTE + 2)))
    await removeRecording(storage, 'one')
    assert.deepEqual(await listed(storage.list()), [['two/index.json', 5]])
    for (const name of hostile) await assert.rejects(storage.stat(/** @type {any} */ (name)), { code: 'ERR_INVALID_ARG' }, String(name))
    await storage.remove('two/index.json')
  })

  await t.test('a file is uploaded while it grows, and what changes of it at the end once more', async t => {
    const { storage, sent } = storageOf()
    const file = path.join(folder(t), 'film')
    const bytes = randomBytes(17 * MEGABYTE)
    fs.writeFileSync(file, bytes.subarray(0, 12 * MEGABYTE))
    const followed = storage.follow('one/film.webm', file)
    await until(() => count(sent, 'UploadPartCommand') === 1, 'the first part, while it grows')
    fs.appendFileSync(file, bytes.subarray(12 * MEGABYTE))
    await until(() => count(sent, 'UploadPartCommand') === 2, 'the second')
    assert.equal(await storage.stat('one/film.webm'), null, 'not there before it is whole')
    bytes.write('how long it is', 40)
    const beginning = fs.openSync(file, 'r+')
    fs.writeSync(beginning, 'how long it is', 40)
    fs.closeSync(beginning)
    await followed.finish()
    assert.equal(count(sent, 'UploadPartCommand'), 5, 'the first part again, and two more')
    assert.ok((await bytesOf(storage.read('one/film.webm'))).equals(bytes))
    await storage.remove('one/film.webm')

    const given = storage.follow('one/given-up.webm', file)
    await until(() => count(sent, 'UploadPartCommand') === 7, 'it begins')
    // This server knows no such request, and says so; S3 answers 204.
    await given.abort().catch(({ name }) => assert.equal(name, 'MethodNotAllowed'))
    assert.equal(count(sent, 'AbortMultipartUploadCommand'), 1)
    assert.equal(await storage.stat('one/given-up.webm'), null)
  })

  await t.test('what fails is tried again, also when the server was away', async t => {
    let failures = 3
    const { storage, sent } = storageOf({ failing: name => name === 'UploadPartCommand' && failures-- > 0 })
    const file = path.join(folder(t), 'film')
    const bytes = randomBytes(12 * MEGABYTE)
    fs.writeFileSync(file, bytes)
    const followed = storage.follow('one/film.webm', file)
    await until(() => count(sent, 'UploadPartCommand') >= 4, 'it goes on with the next look')
    await server.close()
    await assert.rejects(followed.finish(), 'the server is away')
    await begin(port)
    await followed.finish()
    assert.ok((await bytesOf(storage.read('one/film.webm'))).equals(bytes))
    await storage.remove('one/film.webm')
  })

  await t.test('a room is recorded into it, and nothing stays on the disk', async t => {
    const fixture = await RecordingFixture.start()
    t.after(() => fixture.stop())
    let failures = 2
    const { storage } = storageOf({ failing: name => name === 'PutObjectCommand' && failures-- > 0 })
    const rooms = fixture.rooms(t)
    const ada = await fixture.join(t, rooms, 'Ada')
    const directory = folder(t)
    const recording = await ada.room.record(directory, { name: 'garden', storage })
    await recorded(recording, 0.5)
    const { stored, error } = await recording.stop()
    assert.deepEqual([stored, error], [true, null])
    assert.deepEqual(fs.readdirSync(directory), [])
    const index = await readIndex(storage, 'garden')
    assert.equal(index.state, 'finished')
    const film = readWebm(await bytesOf(storage.read(`garden/${index.files[0].file}`)))
    assert.ok(film.whole && film.tracks.size === 2)
    assert.deepEqual(
      (await listRecordings(storage)).map(({ name }) => name),
      ['garden']
    )
    await removeRecording(storage, 'garden')
  })
})

test('what S3 is given is checked, and without its packages it says which', () => {
  const client = { send: async () => ({}) }
  const wrong = (options, field) =>
    assert.throws(() => new S3Storage({ client, bucket: 'b', ...options }), { code: 'ERR_INVALID_ARG', field })
  wrong({ client: {} }, 'options.client')
  wrong({ bucket: '' }, 'options.bucket')
  wrong({ prefix: 'archive' }, 'options.prefix')
  wrong({ partSize: 1000 }, 'options.partSize')
})
