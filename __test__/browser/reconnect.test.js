'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually, hears, sees } = require('./fixture.js')

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start()
})
after(() => fixture.stop())
afterEach(() => fixture.clear())

const ownId = page => page.evaluate(() => globalThis.call.localId)

test('WebSockets that are cut come back: the same participants, and media never stopped', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const ids = [await ownId(ada), await ownId(grace)]
  const transports = [...fixture.server.endpoint.transports]
  fixture.server.signaling.cut()
  await sees(ada, 'Grace')
  await eventually(
    () => ada.evaluate(() => globalThis.call.state),
    state => state === 'connected',
    'the server is found again'
  )
  await eventually(
    () => grace.evaluate(() => globalThis.call.state),
    state => state === 'connected',
    'the server is found again'
  )
  assert.deepEqual([await ownId(ada), await ownId(grace)], ids)
  assert.deepEqual([...fixture.server.endpoint.transports], transports)

  // Signaling works as before: what is new is negotiated.
  await ada.click('#screen-button')
  await sees(grace, 'Ada', 'screen')
})

test('a WebSocket that is cut in the middle of negotiation loses nothing', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await sees(grace, 'Ada')
  for (let round = 0; round < 3; round += 1) {
    await ada.click('#screen-button')
    fixture.server.signaling.cut()
    await ada.waitForFunction(() => globalThis.call.state === 'connected' && !globalThis.call.signalingLost)
    const shared = await ada.evaluate(() => globalThis.call.media.screen !== null)
    if (shared) await sees(grace, 'Ada', 'screen')
  }
  await sees(grace, 'Ada')
})

test('ICE restarts in the page, and media goes on over new candidates', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const credentials = () => ada.evaluate(() => globalThis.peerConnections.at(-1).remoteDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1])
  const before = await credentials()
  await ada.evaluate(() => globalThis.peerConnections.at(-1).restartIce())
  await eventually(credentials, now => now !== before, 'new credentials of the server')
  await ada.waitForFunction(() => globalThis.peerConnections.at(-1).connectionState === 'connected')
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
})

test('in mode p2p WebSockets come back, too, and what is new is negotiated', async () => {
  const [ada, grace] = [await fixture.join('Ada', { mode: 'p2p' }), await fixture.join('Grace', { mode: 'p2p' })]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const ids = [await ownId(ada), await ownId(grace)]
  await ada.click('#screen-button')
  fixture.server.signaling.cut()
  await Promise.all([sees(grace, 'Ada', 'screen'), sees(grace, 'Ada'), sees(ada, 'Grace')])
  assert.deepEqual([await ownId(ada), await ownId(grace)], ids)
})

test('a media connection that the server lost is made anew, while the participant stays', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const id = await ownId(ada)
  const [participant] = fixture.server.rooms.get('loom').participants
  const lost = participant.transport
  await lost.close()
  await eventually(
    () => participant.transport,
    transport => transport && transport !== lost,
    'a new transport'
  )
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(grace, 'Ada')])
  assert.equal(await ownId(ada), id)
})

test('when the server was restarted and forgot everyone, they meet again by themselves', async () => {
  const [ada, grace] = [await fixture.join('Ada'), await fixture.join('Grace')]
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada')])
  const { port } = fixture.server
  await fixture.server.close()
  await ada.waitForSelector('#status[data-state="reconnecting"]')
  await fixture.screenshot(ada, 'server-lost')
  await fixture.startServer(port)
  await Promise.all([sees(ada, 'Grace'), sees(grace, 'Ada'), hears(ada, 'Grace')])
  assert.equal(await ada.evaluate(() => globalThis.call.rejoins), 1)
})
