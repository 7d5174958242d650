'use strict'

/** Wrong calls, each with the code and the field that its error has to carry. */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const medialoom = require('../..')
const { Endpoint, MediaLoomError, setLogger } = medialoom

const ARG = 'ERR_INVALID_ARG'

/** What the calls are made on. */
const on = {}

before(async () => {
  const listen = [{ ip: '127.0.0.1' }]
  on.endpoint = await Endpoint.create({ listen, threads: 1, maxTransports: 3 })
  on.transport = on.endpoint.createTransport({ maxMessageSize: 1000, maxBufferedAmount: 2000 })
  on.stream = on.transport.createOutgoingStream({ id: 'camera', audio: 1, video: 1 })
  on.channel = on.transport.createDataChannel('chat')

  on.closedTransport = on.endpoint.createTransport()
  on.closedStream = on.closedTransport.createOutgoingStream({ video: 1 })
  on.closedTrack = on.closedStream.video[0]
  on.closedChannel = on.closedTransport.createDataChannel('chat')
  await on.closedTransport.close()

  on.closedEndpoint = await Endpoint.create({ listen, threads: 1 })
  await on.closedEndpoint.close()
})

after(() => on.endpoint.close())

const create = options => () => Endpoint.create(options)
const transport = options => () => on.endpoint.createTransport(options)
const channel = (label, options) => () => on.transport.createDataChannel(label, options)
const stream = options => () => on.transport.createOutgoingStream(options)

const WRONG_CALLS = [
  ['Endpoint.create with a number', create(5), ARG, 'options'],
  ['Endpoint.create with null', create(null), ARG, 'options'],
  ['Endpoint.create with an option that is not known', create({ thread: 1 }), ARG, 'options.thread'],
  ['Endpoint.create that listens on a string', create({ listen: '127.0.0.1' }), ARG, 'options.listen'],
  ['Endpoint.create that listens nowhere', create({ listen: [] }), ARG, 'options.listen'],
  ['Endpoint.create with an empty listen entry', create({ listen: [undefined] }), ARG, 'options.listen[0]'],
  ['Endpoint.create without an IP', create({ listen: [{}] }), ARG, 'options.listen[0].ip'],
  ['Endpoint.create with a host name', create({ listen: [{ ip: 'localhost' }] }), ARG, 'options.listen[0].ip'],
  ['Endpoint.create with a wrong second IP', create({ listen: [{ ip: '127.0.0.1' }, { ip: '127.0.0.256' }] }), ARG, 'options.listen[1].ip'],
  [
    'Endpoint.create with an announced name that does not resolve',
    create({ listen: [{ ip: '127.0.0.1', announcedIp: 'nowhere.invalid' }] }),
    ARG,
    'options.listen[0].announcedIp'
  ],
  [
    'Endpoint.create with a wrong announced IP',
    create({ listen: [{ ip: '127.0.0.1', announcedIp: ['203.0.113.5', '203.0.113.256'] }] }),
    ARG,
    'options.listen[0].announcedIp[1]'
  ],
  [
    'Endpoint.create with a wrong announced name',
    create({ listen: [{ ip: '127.0.0.1', announcedIp: { ip: 'no name' } }] }),
    ARG,
    'options.listen[0].announcedIp.ip'
  ],
  [
    'Endpoint.create with nothing announced',
    create({ listen: [{ ip: '127.0.0.1', announcedIp: [] }] }),
    ARG,
    'options.listen[0].announcedIp'
  ],
  [
    'Endpoint.create with no room for its announced ports',
    create({ threads: 2, listen: [{ ip: '127.0.0.1', announcedIp: '203.0.113.5', announcedPort: 65535 }] }),
    ARG,
    'options.listen[0].announcedPort'
  ],
  [
    'Endpoint.create with an announced port alone',
    create({ listen: [{ ip: '127.0.0.1', announcedPort: 30000 }] }),
    ARG,
    'options.listen[0].announcedPort'
  ],
  ['Endpoint.create with a port that is no integer', create({ port: 1.5 }), ARG, 'options.port'],
  ['Endpoint.create with a port too large', create({ port: 65536 }), ARG, 'options.port'],
  ['Endpoint.create with a port that is a string', create({ port: '40000' }), ARG, 'options.port'],
  ['Endpoint.create with no room for its ports', create({ port: 65535, threads: 2 }), ARG, 'options.port'],
  ['Endpoint.create without threads', create({ threads: 0 }), ARG, 'options.threads'],
  ['Endpoint.create with too many threads', create({ threads: 65 }), ARG, 'options.threads'],
  ['Endpoint.create with a tcp that is no boolean', create({ tcp: 1 }), ARG, 'options.tcp'],
  ['Endpoint.create for no transports', create({ maxTransports: 0 }), ARG, 'options.maxTransports'],
  [
    'Endpoint.create on an address of somebody else',
    create({ listen: [{ ip: '198.51.100.1' }], threads: 1 }),
    'ERR_LISTEN',
    'options.listen[0].ip'
  ],

  ['createTransport with a string', transport('lite'), ARG, 'options'],
  ['createTransport with an option that is not known', transport({ lite: true }), ARG, 'options.lite'],
  ['createTransport with iceLite null', transport({ iceLite: null }), ARG, 'options.iceLite'],
  ['createTransport with a polite that is no boolean', transport({ polite: 'very' }), ARG, 'options.polite'],
  ['createTransport without codecs', transport({ codecs: [] }), ARG, 'options.codecs'],
  ['createTransport with an unknown codec', transport({ codecs: ['opus', 'VP8'] }), ARG, 'options.codecs[1]'],
  ['createTransport with a number for DTLS', transport({ dtls: 1.2 }), ARG, 'options.dtls'],
  ['createTransport with a negative timeout', transport({ connectTimeout: -1 }), ARG, 'options.connectTimeout'],
  ['createTransport that disconnects at once', transport({ disconnectTimeout: 0 }), ARG, 'options.disconnectTimeout'],
  ['createTransport for huge messages', transport({ maxMessageSize: 16 * 1024 * 1024 + 1 }), ARG, 'options.maxMessageSize'],
  ['createTransport that buffers NaN bytes', transport({ maxBufferedAmount: NaN }), ARG, 'options.maxBufferedAmount'],
  ['createTransport that dumps to nowhere', transport({ dumpFile: '' }), ARG, 'options.dumpFile'],

  ['acceptOffer without SDP', () => on.transport.acceptOffer(), ARG, 'sdp'],
  ['acceptOffer with a description object', () => on.transport.acceptOffer({ type: 'offer', sdp: '' }), ARG, 'sdp'],
  ['acceptOffer with nonsense', () => on.transport.acceptOffer('nonsense'), 'ERR_SDP'],
  ['createOffer with a flag', () => on.transport.createOffer(true), ARG, 'options'],
  ['createOffer with iceRestart 1', () => on.transport.createOffer({ iceRestart: 1 }), ARG, 'options.iceRestart'],
  ['acceptAnswer with a number', () => on.transport.acceptAnswer(7), ARG, 'sdp'],
  ['acceptAnswer without an offer', () => on.transport.acceptAnswer('v=0\r\n'), 'ERR_INVALID_STATE'],
  ['addIceCandidate without a candidate', () => on.transport.addIceCandidate(), ARG, 'candidate'],
  ['addIceCandidate with a number in it', () => on.transport.addIceCandidate({ candidate: 7 }), ARG, 'candidate.candidate'],
  ['addIceCandidate with nonsense', () => on.transport.addIceCandidate('nonsense'), 'ERR_CANDIDATE'],
  ['acceptFragment with null', () => on.transport.acceptFragment(null), ARG, 'fragment'],

  ['createOutgoingStream with a list', stream([]), ARG, 'options'],
  ['createOutgoingStream with a space in its id', stream({ id: 'a b' }), ARG, 'options.id'],
  ['createOutgoingStream with an empty id', stream({ id: '' }), ARG, 'options.id'],
  ['createOutgoingStream with an id that is taken', stream({ id: 'camera' }), ARG, 'options.id'],
  ['createOutgoingStream with audio true', stream({ audio: true }), ARG, 'options.audio'],
  ['createOutgoingStream with less than no video', stream({ video: -1 }), ARG, 'options.video'],
  ['createOutgoingStream with too many tracks', stream({ audio: 600, video: 600 }), 'ERR_LIMIT'],
  ['addTrack of an unknown kind', () => on.stream.addTrack('screen'), ARG, 'kind'],
  ['addTrack with a wrong id', () => on.stream.addTrack('audio', { id: 'ä' }), ARG, 'options.id'],

  ['attachTo nothing', () => on.stream.video[0].attachTo(), ARG, 'track'],
  ['attachTo an outgoing track', () => on.stream.video[0].attachTo(on.stream.video[0]), ARG, 'track'],

  ['createDataChannel without a label', channel(), ARG, 'label'],
  ['createDataChannel with a long label', channel('x'.repeat(701)), ARG, 'label'],
  ['createDataChannel with a protocol that is no string', channel('a', { protocol: 1 }), ARG, 'options.protocol'],
  ['createDataChannel with ordered null', channel('a', { ordered: null }), ARG, 'options.ordered'],
  ['createDataChannel with too many retransmissions', channel('a', { maxRetransmits: 65_536 }), ARG, 'options.maxRetransmits'],
  ['createDataChannel limited twice', channel('a', { maxRetransmits: 1, maxPacketLifeTime: 1 }), ARG, 'options.maxPacketLifeTime'],
  ['createDataChannel negotiated without id', channel('a', { negotiated: true }), ARG, 'options.id'],
  ['createDataChannel with id alone', channel('a', { id: 1 }), ARG, 'options.id'],
  ['createDataChannel on the reserved id', channel('a', { negotiated: true, id: 65_535 }), ARG, 'options.id'],
  ['send nothing', () => on.channel.send(), ARG, 'data'],
  ['send a number', () => on.channel.send(5), ARG, 'data'],
  ['send a list of bytes', () => on.channel.send([1, 2]), ARG, 'data'],
  ['send an empty text', () => on.channel.send(''), ARG, 'data'],
  ['send no bytes', () => on.channel.send(new ArrayBuffer(0)), ARG, 'data'],
  ['send a message too large', () => on.channel.send('ä'.repeat(501)), 'ERR_MESSAGE_TOO_LARGE'],
  [
    'send more than may wait',
    () => {
      for (let count = 0; count < 3; count++) on.channel.send(new Uint8Array(1000))
    },
    'ERR_QUEUE_FULL'
  ],
  [
    'set a negative threshold',
    () => {
      on.channel.bufferedAmountLowThreshold = -1
    },
    ARG,
    'bufferedAmountLowThreshold'
  ],
  ['forward from no channel', () => on.channel.attachTo('chat'), ARG, 'source'],
  ['forward a channel to itself', () => on.channel.attachTo(on.channel), ARG, 'source'],

  ['createTransport on a closed endpoint', () => on.closedEndpoint.createTransport(), 'ERR_CLOSED'],
  ['getStats of a closed endpoint', () => on.closedEndpoint.getStats(), 'ERR_CLOSED'],
  ['acceptOffer on a closed transport', () => on.closedTransport.acceptOffer('v=0'), 'ERR_CLOSED'],
  ['createOffer on a closed transport', () => on.closedTransport.createOffer(), 'ERR_CLOSED'],
  ['acceptAnswer on a closed transport', () => on.closedTransport.acceptAnswer('v=0'), 'ERR_CLOSED'],
  ['rollback on a closed transport', () => on.closedTransport.rollback(), 'ERR_CLOSED'],
  ['addIceCandidate on a closed transport', () => on.closedTransport.addIceCandidate(null), 'ERR_CLOSED'],
  ['acceptFragment on a closed transport', () => on.closedTransport.acceptFragment('a=x'), 'ERR_CLOSED'],
  ['getStats of a closed transport', () => on.closedTransport.getStats(), 'ERR_CLOSED'],
  ['createOutgoingStream on a closed transport', () => on.closedTransport.createOutgoingStream(), 'ERR_CLOSED'],
  ['createDataChannel on a closed transport', () => on.closedTransport.createDataChannel('a'), 'ERR_CLOSED'],
  ['addTrack to a closed stream', () => on.closedStream.addTrack('audio'), 'ERR_CLOSED'],
  ['detach on a closed track', () => on.closedTrack.detach(), 'ERR_CLOSED'],
  ['send on a closed channel', () => on.closedChannel.send('late'), 'ERR_CLOSED'],
  ['forward from a closed channel', () => on.channel.attachTo(on.closedChannel), 'ERR_CLOSED'],

  ['setLogger with a string', () => setLogger('console'), ARG, 'logger'],
  ['setLogger with undefined', () => setLogger(), ARG, 'logger'],
  ['setLogger with half a logger', () => setLogger({ error() {}, warn() {} }), ARG, 'logger'],
  ['setLogger with an unknown level', () => setLogger(null, { level: 'fatal' }), ARG, 'options.level'],
  ['new Endpoint', () => new Endpoint(), 'ERR_INVALID_STATE'],
  ['new Transport', () => new medialoom.Transport(), 'ERR_INVALID_STATE'],
  ['new IncomingStream', () => new medialoom.IncomingStream(), 'ERR_INVALID_STATE'],
  ['new IncomingTrack', () => new medialoom.IncomingTrack(), 'ERR_INVALID_STATE'],
  ['new OutgoingStream', () => new medialoom.OutgoingStream(), 'ERR_INVALID_STATE'],
  ['new OutgoingTrack', () => new medialoom.OutgoingTrack(), 'ERR_INVALID_STATE'],
  ['new Transponder', () => new medialoom.Transponder(), 'ERR_INVALID_STATE'],
  ['new DataChannel', () => new medialoom.DataChannel(), 'ERR_INVALID_STATE']
]

for (const [name, call, code, field] of WRONG_CALLS) {
  test(`${name}: ${code}${field ? ` names ${field}` : ''}`, async () => {
    // Covers both: a throw and a rejection.
    const error = await (async () => call())().then(
      () => assert.fail('the call went through'),
      error => error
    )
    assert.ok(error instanceof MediaLoomError, String(error.stack))
    assert.equal(error.code, code, error.message)
    assert.equal(error.field, field)
    assert.ok(error.message.length > 5 && error.message.length < 400, error.message)
  })
}

test('one transport more than allowed: ERR_LIMIT', () => {
  const made = []
  assert.throws(
    () => {
      for (let count = 0; count < 4; count++) made.push(on.endpoint.createTransport())
    },
    { code: 'ERR_LIMIT' }
  )
  return Promise.all(made.map(transport => transport.close()))
})

test('a call that failed changes nothing', async () => {
  assert.equal(on.transport.closed, false)
  assert.equal(on.transport.signalingState, 'stable')
  assert.equal(on.transport.outgoingStreams.length, 1)
  assert.equal(on.transport.outgoingTracks.length, 2)
  assert.deepEqual(on.transport.dataChannels, [on.channel])
})
