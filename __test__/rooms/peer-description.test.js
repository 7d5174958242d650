'use strict'

/** In mode p2p: what the server lets browsers agree on, by permissions and moderation. */

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { offer } = require('./sdp.js')
const { SignalingClient } = require('./signaling-client.js')

/** @type {typeof import('../../examples/room-server/peer-description.js').narrowDescription} */
let narrowDescription
/** @type {Awaited<ReturnType<typeof import('../../examples/room-server/room-server.js').startRoomServer>>} */
let server
/** @type {SignalingClient[]} */
let clients = []

before(async () => {
  ;({ narrowDescription } = await import('../../examples/room-server/peer-description.js'))
  const { startRoomServer } = await import('../../examples/room-server/room-server.js')
  server = await startRoomServer({
    port: 0,
    host: '127.0.0.1',
    endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
    iceServers: [],
    open: true
  })
})
after(() => server.close())
afterEach(() => {
  for (const client of clients) client.close()
  clients = []
  for (const room of [...server.rooms]) room.close()
})

const directions = sdp => [...sdp.matchAll(/^a=(sendrecv|sendonly|recvonly|inactive)\r?$/gm)].map(([, direction]) => direction)
const NOTHING = { maySend: () => false, mayReceive: () => false }
const EVERYTHING = { maySend: () => true, mayReceive: () => true }

test('m-lines are narrowed to what may pass, and everything else is as it was', () => {
  const kinds = ['audio', 'video', 'audio', 'video']
  const sdp = offer(
    ['sendrecv', 'sendonly', 'recvonly', 'inactive'].map((direction, index) => ({ kind: kinds[index], direction, stream: 'camera' }))
  )
  assert.equal(narrowDescription(sdp, EVERYTHING), sdp)
  assert.deepEqual(directions(narrowDescription(sdp, NOTHING)), ['inactive', 'inactive', 'inactive', 'inactive'])
  const silent = narrowDescription(sdp, { maySend: kind => kind === 'video', mayReceive: () => true })
  assert.deepEqual(directions(silent), ['recvonly', 'sendonly', 'recvonly', 'inactive'])
  const withoutDirections = text => text.replace(/^a=(sendrecv|sendonly|recvonly|inactive)\r\n/gm, '')
  assert.equal(withoutDirections(silent), withoutDirections(sdp))
})

test('which stream an m-line has is told, however it is written', () => {
  const seen = []
  const sdp = offer([{ kind: 'video', direction: 'sendonly', stream: 'screen' }]) + 'a=ssrc:7 msid:camera track\r\n'
  narrowDescription(sdp, { maySend: (kind, streams) => seen.push([kind, ...streams]) > 0, mayReceive: () => true })
  assert.deepEqual(seen, [['video', 'screen', 'camera']])
})

test('no way of writing a direction gets past', () => {
  const media = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n'
  const tricks = {
    'none, which means sendrecv': `v=0\r\n${media}`,
    'of the session': `v=0\r\na=sendrecv\r\n${media}`,
    'two of them': `v=0\r\n${media}a=inactive\r\na=sendrecv\r\n`,
    'two of them, the other way round': `v=0\r\n${media}a=sendrecv\r\na=inactive\r\n`,
    'with something behind it': `v=0\r\n${media}a=sendrecv x\r\n`,
    'by line feeds alone': `v=0\n${media.replaceAll('\r', '')}a=sendrecv\n`,
    'hidden from who takes other line ends for one': `v=0\r\n${media}a=x\u2028a=inactive\r\n`,
    'without a last line end': `v=0\r\n${media.trimEnd()}`
  }
  for (const [trick, sdp] of Object.entries(tricks)) {
    const section = narrowDescription(sdp, NOTHING)
      .split('m=video')[1]
      .split('\n')
      .map(line => line.replace(/\r$/, ''))
    assert.deepEqual(
      section.filter(line => /^a=(sendrecv|sendonly|recvonly|inactive)/.test(line)),
      ['a=inactive'],
      trick
    )
    assert.equal(section[1], 'c=IN IP4 0.0.0.0', trick)
  }
})

test('a description costs no more than its length', () => {
  const cost = count => {
    const sdp = 'v=0\r\n' + 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendrecv\r\na=msid:a b\r\n'.repeat(count)
    const rounds = Array.from({ length: 5 }, () => {
      const began = performance.now()
      narrowDescription(sdp, NOTHING)
      return performance.now() - began
    })
    return Math.min(...rounds)
  }
  cost(1000)
  const [short, long] = [cost(1000), cost(8000)]
  assert.ok(long < 40 * short, `8 times as long took ${(long / short).toFixed(1)} times as long`)
})

async function join(name) {
  const client = await SignalingClient.joined(server.url, { room: 'loom', name, mode: 'p2p' })
  clients.push(client)
  client.id = client.welcome.participant
  client.participant = server.rooms.get('loom').get(client.id)
  return client
}
const lines = ['camera', 'screen'].flatMap(stream => ['audio', 'video'].map(kind => ({ kind, direction: 'sendrecv', stream })))

/** What of an offer arrives. */
async function passes(from, to) {
  from.send({ type: 'signal', epoch: 0, to: to.id, id: 1, description: { type: 'offer', sdp: offer(lines) } })
  return directions((await to.next('signal')).description.sdp)
}

test('what a member may not publish, or the other not subscribe to, is not agreed on', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  ada.send({
    type: 'media',
    audio: true,
    video: true,
    streams: [
      { id: 'camera', source: 'camera' },
      { id: 'screen', source: 'screen' }
    ]
  })
  const both = 'sendrecv'
  assert.deepEqual(await passes(ada, grace), [both, both, both, both])
  ada.participant.mute('video')
  ada.participant.mute('screen')
  assert.deepEqual(await passes(ada, grace), [both, 'recvonly', 'recvonly', 'recvonly'])
  ada.participant.unmute('video')
  ada.participant.unmute('screen')
  ada.participant.setPermissions({ canPublishSources: ['screen'] })
  assert.deepEqual(await passes(ada, grace), ['recvonly', 'recvonly', both, both])
  ada.participant.setPermissions({ canPublish: false })
  assert.deepEqual(await passes(ada, grace), Array(4).fill('recvonly'))
  assert.deepEqual(await passes(grace, ada), Array(4).fill('sendonly'), 'whoever makes the offer')
  ada.participant.setPermissions({ canPublish: true, canPublishSources: null })
  grace.participant.setPermissions({ canSubscribe: false })
  assert.deepEqual(await passes(ada, grace), Array(4).fill('recvonly'))
})

test('the others are asked to negotiate when that changes, and whoever is hidden has no connection', async () => {
  const [ada, grace] = [await join('Ada'), await join('Grace')]
  ada.participant.setPermissions({ roomAdmin: false })
  await ada.next('permissions')
  assert.deepEqual(await grace.seen('renegotiate'), [], 'not for what has nothing to do with it')
  ada.participant.mute('audio')
  assert.deepEqual(await grace.next('renegotiate'), { type: 'renegotiate', epoch: 0, participant: ada.id })
  assert.deepEqual(await ada.seen('renegotiate'), [])
  ada.participant.setPermissions({ hidden: true })
  ada.send({ type: 'signal', epoch: 0, to: grace.id, id: 1, description: { type: 'offer', sdp: offer(lines) } })
  assert.equal((await ada.next('error')).code, 'forbidden')
  grace.send({ type: 'signal', epoch: 0, to: ada.id, id: 1, description: { type: 'offer', sdp: offer(lines) } })
  assert.equal((await grace.next('error')).code, 'unknown-participant')
})
