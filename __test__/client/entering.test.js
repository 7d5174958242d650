'use strict'

/** How a room is entered, waited for, left and found again, against a server of a few lines and fake time. */

const assert = require('node:assert/strict')
const { beforeEach, mock, test } = require('node:test')

/** Every WebSocket that was opened, the newest last. @type {FakeSocket[]} */
let sockets = []

class FakeSocket {
  static OPEN = 1
  readyState = 0
  answersPings = true
  /** What the client sent, parsed. */
  sent = []

  constructor(url) {
    this.url = url
    sockets.push(this)
  }

  open() {
    this.readyState = 1
    this.onopen()
    return settled()
  }

  /** The server says something. */
  say(message) {
    this.onmessage({ data: JSON.stringify(message) })
    return settled()
  }

  send(data) {
    const message = JSON.parse(data)
    this.sent.push(message)
    if (message.type === 'ping' && this.answersPings) void this.say({ type: 'pong' })
  }

  close() {
    if (this.readyState === 3) return
    this.readyState = 3
    this.onclose?.()
  }

  of(type) {
    return this.sent.filter(message => message.type === type)
  }
}

class FakePeer extends EventTarget {
  /** The last that was made. @type {FakePeer} */
  static last
  connectionState = 'new'
  signalingState = 'stable'
  sctp = null
  addTransceiver = () => ({ sender: { track: null, replaceTrack: async () => {} } })
  createDataChannel = () => ({ readyState: 'connecting' })
  restartIce() {}
  close() {}

  constructor() {
    super()
    FakePeer.last = this
  }

  /** A stream with such tracks comes. */
  receive(id, ...kinds) {
    const stream = new FakeStream(
      id,
      kinds.map(kind => ({ kind, id: `${id} ${kind}` }))
    )
    for (const track of stream.getTracks()) this.ontrack({ streams: [stream], receiver: { track } })
    return stream
  }
}

class FakeStream {
  #tracks

  constructor(id = 'own', tracks = []) {
    this.id = id
    this.#tracks = new Set(tracks)
  }

  getTracks = () => [...this.#tracks]
  getAudioTracks = () => this.getTracks().filter(({ kind }) => kind === 'audio')
  getVideoTracks = () => this.getTracks().filter(({ kind }) => kind === 'video')
  addTrack = track => this.#tracks.add(track)
  removeTrack = track => this.#tracks.delete(track)
}

Object.assign(globalThis, {
  WebSocket: FakeSocket,
  RTCPeerConnection: FakePeer,
  MediaStream: FakeStream,
  addEventListener: () => {},
  removeEventListener: () => {}
})

/** What waits for promises goes on. */
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await null
}

/** Time in steps, as timers and clock of a mock go apart within one. @param {number} seconds */
async function pass(seconds) {
  for (let second = 0; second < seconds; second++) {
    mock.timers.tick(1000)
    await settled()
  }
}

const PARTICIPANT = { id: 'me', name: 'Ada', role: 'member', audio: false, video: false, encrypted: false, streams: [] }
const WELCOME = {
  type: 'welcome',
  resumed: false,
  session: 'secret',
  participant: 'me',
  room: 'loom',
  mode: 'sfu',
  role: 'member',
  source: 'streams',
  layout: 'grid',
  mixes: true,
  listeners: 0,
  epoch: 0,
  connection: 1,
  participants: [PARTICIPANT],
  iceServers: []
}

/** @type {typeof import('../../lib/client/index.js')} */
let client
beforeEach(async () => {
  client = await import('../../lib/client/index.js')
  sockets = []
})

/** A room with fake time, and the events of it. */
function visit(t, { url = 'https://example.org/r/loom#token=t', token, ...options } = {}) {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const room = new client.Room(url, token, { name: 'Ada', ...options })
  t.after(() => {
    room.leave()
    mock.timers.reset()
  })
  const events = []
  for (const type of ['waiting', 'ended', 'moving', 'rejoined', 'error', 'lobby', 'hand', 'recording'])
    room.on(type, detail => events.push([type, detail]))
  const outcome = room.join().then(
    () => 'joined',
    error => error.code
  )
  return { room, events, outcome }
}

/** A room that was entered. */
async function entered(t, options) {
  const { room, events, outcome } = visit(t, options)
  await sockets[0].open()
  await sockets[0].say(WELCOME)
  assert.equal(await outcome, 'joined')
  return { room, events }
}

/** The WebSocket is gone, and the next one opened. */
async function reconnect() {
  sockets.at(-1).close()
  await pass(10)
  await sockets.at(-1).open()
  return sockets.at(-1)
}

test('a room is asked for with the token of the link, at the server of the link', async t => {
  const { outcome } = visit(t)
  assert.equal(sockets[0].url, 'wss://example.org/signaling')
  await sockets[0].open()
  const [join] = sockets[0].of('join')
  assert.deepEqual([join.room, join.name, join.token, join.session], ['loom', 'Ada', 't', undefined])
  await sockets[0].say(WELCOME)
  assert.equal(await outcome, 'joined')
})

test('a token that is a function is asked again for each WebSocket, and the session with it', async t => {
  let made = 0
  await entered(t, { token: async () => `token ${++made}` })
  const socket = await reconnect()
  assert.deepEqual(
    socket.of('join').map(({ token, session }) => [token, session]),
    [['token 2', 'secret']]
  )
})

test('a token that came too late for its WebSocket is not sent over the next', async t => {
  const waiting = []
  visit(t, { token: () => new Promise(resolve => waiting.push(resolve)) })
  await sockets[0].open()
  const socket = await reconnect()
  waiting.forEach((resolve, index) => resolve(`token ${index}`))
  await settled()
  assert.deepEqual(
    sockets.flatMap(each => each.of('join')).map(({ token }) => token),
    ['token 1']
  )
  assert.equal(socket.of('join').length, 1)
})

test('without a token, because its function failed, the room is not entered', async t => {
  const { outcome } = visit(t, { token: () => Promise.reject(new Error('signed out')) })
  await sockets[0].open()
  assert.equal(await outcome, 'no-token')
})

test('in front of a lobby one waits, and is in when somebody opens', async t => {
  const { room, events, outcome } = visit(t)
  await sockets[0].open()
  await sockets[0].say({ type: 'waiting', room: 'loom' })
  assert.equal(room.state, 'waiting')
  await pass(60)
  assert.equal(room.state, 'waiting', 'for as long as it takes')
  await sockets[0].say(WELCOME)
  assert.equal(await outcome, 'joined')
  assert.notEqual(room.state, 'waiting')
  assert.deepEqual(
    events.map(([type]) => type),
    ['waiting']
  )
})

test('who waits and is turned away has the reason', async t => {
  const { events, outcome } = visit(t)
  await sockets[0].open()
  await sockets[0].say({ type: 'waiting', room: 'loom' })
  await sockets[0].say({ type: 'bye', code: 'rejected', message: 'not today' })
  assert.equal(await outcome, 'rejected')
  assert.deepEqual(events.at(-1), ['ended', { code: 'rejected', message: 'not today' }])
})

for (const code of ['kicked', 'banned', 'replaced']) {
  test(`after the goodbye ${code} one does not come again`, async t => {
    const { room, events } = await entered(t)
    await sockets[0].say({ type: 'bye', code, message: 'why' })
    sockets[0].close()
    await pass(60)
    assert.equal(room.state, 'ended')
    assert.deepEqual(events, [['ended', { code, message: 'why' }]])
    assert.equal(sockets.length, 1)
  })
}

test('after any other goodbye the room is joined anew', async t => {
  const { room, events } = await entered(t)
  await sockets[0].say({ type: 'bye', code: 'shutting-down', message: 'later' })
  const socket = await reconnect()
  await socket.say({ ...WELCOME, session: 'other', participant: 'me too', participants: [{ ...PARTICIPANT, id: 'me too' }] })
  assert.deepEqual([room.rejoins, room.localId, room.local?.isLocal], [1, 'me too', true])
  assert.deepEqual(events, [['rejoined', null]])
})

test('who finds no place at coming back asks again, and who has no right any more does not', async t => {
  const { room, events } = await entered(t)
  const socket = await reconnect()
  await socket.say({ type: 'error', code: 'room-full', message: 'full', request: 'join' })
  await pass(3)
  await settled()
  assert.equal(socket.of('join').length, 2)
  await socket.say({ type: 'error', code: 'unauthorized', message: 'the token has expired', request: 'join' })
  assert.equal(room.state, 'ended')
  assert.deepEqual(events.at(-1), ['ended', { code: 'unauthorized', message: 'the token has expired' }])
})

test('a server that cannot be reached in 15 s is given up at the first try, and looked for later on', async t => {
  const { outcome } = visit(t)
  for (let second = 0; second < 16; second++) {
    sockets.at(-1).close()
    await pass(1)
  }
  assert.equal(await outcome, 'unreachable')

  mock.timers.reset()
  sockets = []
  const { room } = await entered(t)
  sockets[0].close()
  for (let second = 0; second < 60; second++) {
    await pass(1)
    if (sockets.at(-1).readyState === 0) sockets.at(-1).close()
  }
  assert.equal(room.state, 'reconnecting')
})

test('a WebSocket that the page may not open is like one that breaks', async t => {
  let allowed = false
  globalThis.WebSocket = class extends FakeSocket {
    constructor(url) {
      if (!allowed) throw new Error('NS_ERROR_CONTENT_BLOCKED')
      super(url)
    }
  }
  t.after(() => (globalThis.WebSocket = FakeSocket))
  const { outcome } = visit(t)
  allowed = true
  await pass(1)
  await sockets[0].open()
  await sockets[0].say(WELCOME)
  assert.equal(await outcome, 'joined')
})

test('a server that stops takes its clients to the one it names', async t => {
  const { events } = await entered(t)
  await sockets[0].say({ type: 'move', deadline: 1234, url: 'https://other.example.org/media/' })
  await pass(3)
  assert.deepEqual(
    sockets.map(({ url }) => url),
    ['wss://example.org/signaling', 'wss://other.example.org/media/signaling']
  )
  assert.equal(sockets[0].readyState, 3)
  await sockets[1].open()
  assert.equal(sockets[1].of('join').length, 1)
  assert.deepEqual(events, [['moving', { deadline: 1234, url: 'https://other.example.org/media/' }]])
})

test('silence for 15 s is a network that is gone, whatever the WebSocket says', async t => {
  await entered(t)
  sockets[0].answersPings = false
  await pass(25)
  assert.ok(sockets.length > 1)
})

test('permissions hold at once for what may be sent', async t => {
  const { room } = await entered(t)
  const sources = () => ['camera', 'microphone', 'screen'].filter(source => room.maySend(source))
  assert.deepEqual(sources(), ['camera', 'microphone', 'screen'])
  const permissions = {
    canPublish: true,
    canPublishSources: ['microphone'],
    canSubscribe: true,
    canPublishData: true,
    roomAdmin: false,
    hidden: false
  }
  await sockets[0].say({ type: 'permissions', permissions })
  assert.deepEqual(sources(), ['microphone'])
  await sockets[0].say({ type: 'updated', participant: { ...PARTICIPANT, moderated: { audio: true, video: false, screen: false } } })
  assert.deepEqual(sources(), [])
  await sockets[0].say({ type: 'role', role: 'listener' })
  assert.deepEqual(sources(), [])
})

test('that the room is recorded is told to everybody, also to who comes later or comes back', async t => {
  const { room, events } = await entered(t)
  assert.deepEqual([room.records, room.recording], [false, null])
  const recording = { what: 'mixed', since: 1000, by: 'Grace' }
  await sockets[0].say({ type: 'recording', recording })
  assert.deepEqual(room.recording, recording)
  await sockets[0].say({ type: 'recording', recording: null, reason: 'error', message: 'no space' })
  assert.equal(room.recording, null)
  const told = events.filter(([type]) => type === 'recording').map(([, detail]) => detail)
  assert.deepEqual(told, [
    { recording, reason: null, message: null },
    { recording: null, reason: 'error', message: 'no space' }
  ])
  room.startRecording('tracks')
  room.markRecording('questions')
  room.stopRecording()
  assert.deepEqual(sockets[0].of('record'), [
    { type: 'record', action: 'start', what: 'tracks' },
    { type: 'record', action: 'mark', name: 'questions' },
    { type: 'record', action: 'stop' }
  ])
})

test('hands are in the order in which they were raised, those of listeners among them', async t => {
  const { room, events } = await entered(t)
  await sockets[0].say({ type: 'joined', participant: { ...PARTICIPANT, id: 'g', name: 'Grace' } })
  await sockets[0].say({ type: 'hand', participant: { id: 'l', name: 'Linus', role: 'listener' }, hand: 20 })
  await sockets[0].say({ type: 'updated', participant: { ...PARTICIPANT, id: 'g', name: 'Grace', hand: 10 } })
  assert.deepEqual(
    room.hands.map(({ name }) => name),
    ['Grace', 'Linus']
  )
  await sockets[0].say({ type: 'left', participant: 'g', reason: 'left' })
  await sockets[0].say({ type: 'hand', participant: { id: 'l', name: 'Linus', role: 'listener' }, hand: null })
  assert.deepEqual(room.hands, [])
  assert.equal(events.filter(([type]) => type === 'hand').length, 3)
})

test('what a host asks is what the server is told', async t => {
  const { room } = await entered(t)
  const { moderation } = room
  moderation.mute('g')
  moderation.unmute('g', 'video')
  moderation.kick('g', 'enough')
  moderation.setLocked(true)
  moderation.setLobby(false)
  moderation.admit('l')
  moderation.permit('g', { canPublish: false })
  assert.deepEqual(
    sockets[0].of('moderate').map(({ type: _, ...said }) => said),
    [
      { action: 'mute', participant: 'g', kind: 'audio' },
      { action: 'unmute', participant: 'g', kind: 'video' },
      { action: 'kick', participant: 'g', reason: 'enough' },
      { action: 'lock' },
      { action: 'lobby', on: false },
      { action: 'admit', participant: 'l' },
      { action: 'permit', participant: 'g', permissions: { canPublish: false } }
    ]
  )
})

test('whoever speaks on the streams of a large room is found at the participant', async t => {
  const { room } = await entered(t)
  const camera = id => ({ ...PARTICIPANT, id, name: id, streams: [{ id: `${id}.1`, source: 'camera' }] })
  for (const id of ['grace', 'linus']) await sockets[0].say({ type: 'joined', participant: camera(id) })
  await sockets[0].say({ type: 'source', source: 'speakers' })
  const slots = (voice, picture) =>
    sockets[0].say({
      type: 'slots',
      streams: [
        { id: 'speaker.audio.1', kind: 'audio', participant: voice },
        { id: 'speaker.video.1', kind: 'video', participant: picture }
      ]
    })
  await slots('grace', 'grace')
  // The streams may come before or after it is said whose they are.
  FakePeer.last.receive('speaker.audio.1', 'audio')
  FakePeer.last.receive('speaker.video.1', 'video')
  const of = id => room.participants.get(id).camera
  const tracks = id => [of(id).audioTrack?.id, of(id).videoTrack?.id]
  assert.deepEqual(tracks('grace'), ['speaker.audio.1 audio', 'speaker.video.1 video'])
  assert.deepEqual([of('grace').sentAs, of('linus').sentAs, of('linus').media], ['speaker.video.1', 'linus.1', null])
  const { media } = of('grace')
  await slots('linus', 'grace')
  assert.equal(of('grace').media, media, 'the same stream, without its sound')
  assert.deepEqual(
    [tracks('grace'), tracks('linus')],
    [
      [undefined, 'speaker.video.1 video'],
      ['speaker.audio.1 audio', undefined]
    ]
  )
  await sockets[0].say({ type: 'layers', streams: [{ id: 'speaker.video.1', layer: null, reason: 'bandwidth' }] })
  assert.deepEqual([of('grace').reason, of('linus').reason], ['bandwidth', null])
  await slots(null, null)
  assert.deepEqual([of('grace').media, of('linus').media], [null, null])
})
