'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { BadNetwork } = require('../support/bad-network.js')
const { Fixture, eventually } = require('./fixture.js')

/** The endpoint listens here and says it is there, where the bad network stands. */
const BACK = '127.0.0.1'
const FRONT = '127.0.0.2'
const SECONDS = 15

/** @type {Fixture} */
let fixture
before(async () => {
  fixture = await Fixture.start({ endpoint: { listen: [{ ip: BACK, announcedIp: FRONT }], tcp: false } })
})
after(() => fixture.stop())

/** A page that publishes its microphone by WHIP. */
async function publisher() {
  const page = await fixture.blankPage()
  await page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
    const peer = (globalThis.peer = new RTCPeerConnection())
    peer.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] })
    await globalThis.offerTo('/whip/loss?peer=talker', peer)
  })
  return page
}

/** A page that plays it by WHEP. */
async function player() {
  const page = await fixture.blankPage()
  await page.evaluate(async () => {
    const peer = (globalThis.peer = new RTCPeerConnection())
    const { receiver } = peer.addTransceiver('audio', { direction: 'recvonly' })
    // Sound is decoded only where it is played.
    globalThis.audio = Object.assign(document.createElement('audio'), { srcObject: new MediaStream([receiver.track]) })
    void globalThis.audio.play()
    await globalThis.offerTo('/whep/loss', peer)
  })
  return page
}

/** Chromium's figures of the one stream of sound. */
function sound(page, type) {
  return page.evaluate(async wanted => {
    const report = await globalThis.peer.getStats()
    return [...report.values()].find(stat => stat.type === wanted && stat.kind === 'audio') ?? null
  }, type)
}

/** What came to the player in some seconds: of its sound, how much it made up, and bytes a second. */
async function heard(page) {
  const first = await sound(page, 'inbound-rtp')
  await new Promise(resolve => setTimeout(resolve, SECONDS * 1000))
  const last = await sound(page, 'inbound-rtp')
  const grew = name => (last[name] ?? 0) - (first[name] ?? 0)
  return {
    concealed: (grew('concealedSamples') - grew('silentConcealedSamples')) / grew('totalSamplesReceived'),
    rate: (grew('bytesReceived') + grew('headerBytesReceived')) / (last.timestamp - first.timestamp),
    missing: grew('packetsLost'),
    asked: grew('nackCount'),
    redundant: grew('fecPacketsReceived')
  }
}

test('sound at a loss of 10 % is repeated, and made redundant where it comes from', async t => {
  const { port } = fixture.server.endpoint.addresses[0]
  const network = await BadNetwork.start(t, { front: FRONT, back: BACK, port })
  const talker = await publisher()
  const listener = await player()
  await eventually(
    () => sound(listener, 'inbound-rtp'),
    stat => stat?.packetsReceived > 100,
    'sound'
  )
  // Chromium fits its buffer to the machine first, which may be busy.
  await new Promise(resolve => setTimeout(resolve, 5000))
  const good = await heard(listener)
  assert.equal(good.redundant, 0, 'nothing is lost, so nothing is redundant')

  network.set({ toClients: { loss: 0.1 } })
  const told = stat => stat?.fractionLost > 0.03
  await eventually(() => sound(talker, 'remote-inbound-rtp'), told, 'the talker is told', 40_000)
  const { lost } = network.counts
  const bad = await heard(listener)
  const share = x => `${(100 * x).toFixed(2)} %`
  t.diagnostic(`${share(good.concealed)} concealed without loss, ${share(bad.concealed)} with it`)
  t.diagnostic(`${network.counts.lost - lost} datagrams lost, ${bad.missing} packets never came, ${bad.redundant} with redundancy`)
  assert.ok(network.counts.lost - lost > 40 && bad.asked > 0, `${bad.asked} asked for`)
  assert.ok(bad.missing < 0.1 * (network.counts.lost - lost), `${bad.missing} packets never came`)
  assert.ok(bad.concealed < good.concealed + 0.02, `${share(bad.concealed)} concealed`)
  assert.ok(bad.rate < 1.3 * good.rate, `${bad.rate} instead of ${good.rate} bytes a millisecond`)
})
