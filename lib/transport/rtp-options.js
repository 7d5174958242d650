'use strict'

const { randomBytes } = require('node:crypto')
const { lookup } = require('node:dns/promises')
const { isIP } = require('node:net')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { networks } = require('./networks.js')

const DIRECTIONS = ['recvonly', 'sendonly', 'sendrecv']
/** What `a=rtpmap` says of each codec (RFC 8866 6.6). */
const ENCODINGS = {
  opus: 'opus/48000/2',
  pcmu: 'PCMU/8000',
  pcma: 'PCMA/8000',
  g722: 'G722/8000',
  vp8: 'VP8/90000',
  vp9: 'VP9/90000',
  h264: 'H264/90000',
  av1: 'AV1/90000',
  h265: 'H265/90000'
}
/** Numbers that need no other word (RFC 3551 6). */
const STATIC = { pcmu: 0, pcma: 8, g722: 9 }
/** What is said of H.264 where nothing else is: what every browser takes. */
const H264 = 'packetization-mode=1;profile-level-id=42e01f'
/** Bytes of master key and salt of each suite (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2). */
const SUITES = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44
}
const MAX_PORTS = 8
const MAX_SOURCES = 10
const MAX_SSRC = 2 ** 32 - 1
const HOUR = 60 * 60 * 1000

const KNOWN = [
  'sdp',
  'audio',
  'video',
  'address',
  'interface',
  'sources',
  'allow',
  'comedia',
  'cname',
  'silence',
  'bFrames',
  'dumpFile',
  'appData'
]
const KNOWN_OF_MEDIA = [
  'direction',
  'codecs',
  'telephoneEvents',
  'red',
  'port',
  'ports',
  'rtcpMux',
  'shared',
  'remote',
  'ssrc',
  'feedback',
  'reducedSize',
  'srtp'
]

/**
 * Checks the options of a transport of plain RTP, fills in what an SDP says and the defaults, and resolves names.
 * `announced` reads an SDP. Gives what the engine takes, what has to be known of each line here, and how errors of the
 * engine are named.
 */
async function rtpOptions(given, announced) {
  const options = check.options(given ?? null, 'options', KNOWN)
  const sdp = check.optional(check.nonEmptyString, options.sdp, undefined, 'options.sdp')
  const lines = sdp === undefined ? [] : JSON.parse(announced(sdp))
  const shared = {
    address: check.optional(check.ip, options.address, undefined, 'options.address'),
    interface: check.optional(check.ip, options.interface, undefined, 'options.interface'),
    sources: options.sources === undefined ? undefined : sources(options.sources),
    allowed: networks(options.allow, 'options.allow')
  }
  const media = []
  for (const kind of ['audio', 'video']) {
    const path = `options.${kind}`
    const line = lines.find(line => line.kind === kind)
    if (options[kind] === undefined && !line) continue
    media.push(await mediaOptions(kind, options[kind], path, line, shared))
  }
  if (media.length === 0) throw check.invalid('options', 'audio, video or an sdp', given)
  const ssrcs = randomSsrcs(media.length + 1)
  return {
    given: options,
    media: media.map(({ engine: { kind }, ...line }) => ({ kind, ...line })),
    engine: {
      media: media.map(({ engine }, index) => ({ ...engine, sendSsrc: ssrcs[index] })),
      comedia: check.optional(check.boolean, options.comedia, false, 'options.comedia'),
      cname: check.optional(name, options.cname, `medialoom-${randomBytes(9).toString('base64url')}`, 'options.cname'),
      reportSsrc: ssrcs.at(-1),
      silence: check.optional(check.integer, options.silence, 5000, 'options.silence', 100, HOUR),
      mixBFrames: check.optional(check.oneOf, options.bFrames, 'refuse', 'options.bFrames', ['refuse', 'mix']) === 'mix',
      dumpFile: check.optional(check.nonEmptyString, options.dumpFile, null, 'options.dumpFile')
    },
    named: error =>
      named(
        error,
        media.map(({ engine }) => engine.kind)
      )
  }
}

/** One line: what was given, else what the SDP says, else the default. */
async function mediaOptions(kind, given, path, line, shared) {
  const options = check.options(given, path, KNOWN_OF_MEDIA)
  const direction = check.optional(check.oneOf, options.direction, 'recvonly', `${path}.direction`, DIRECTIONS)
  const formats = options.codecs === undefined && line ? line.formats : formatsOf(kind, options, path)
  const remote = await remoteOf(options.remote, `${path}.remote`)
  const srtp = srtpOf(options.srtp, `${path}.srtp`, line?.key, direction)
  const rtcpMux = check.optional(check.boolean, options.rtcpMux, line?.rtcpMux ?? false, `${path}.rtcpMux`)
  const from = shared.sources ?? line?.sources ?? []
  const port = {
    address: shared.address ?? line?.address ?? '127.0.0.1',
    interface: shared.interface ?? null,
    rtcpMux,
    shared: check.optional(check.boolean, options.shared, false, `${path}.shared`),
    sources: from,
    remote: remote?.rtp ?? null,
    remoteRtcp: remote?.rtcp ?? null,
    allowed: from.length > 0 ? from.map(address => ({ address, prefix: isIP(address) === 6 ? 128 : 32 })) : shared.allowed,
    sendKey: srtp.send,
    receiveKey: srtp.receive
  }
  return {
    direction,
    formats,
    srtp,
    remote: remote?.rtp ? options.remote : null,
    engine: {
      kind,
      send: direction !== 'recvonly',
      receive: direction !== 'sendonly',
      formats,
      feedback: check.optional(check.boolean, options.feedback, line?.feedback ?? false, `${path}.feedback`),
      reducedSize: check.optional(check.boolean, options.reducedSize, line?.reducedSize ?? false, `${path}.reducedSize`),
      ports: portsOf(options, path, line).map(own => ({ ...port, ...own }))
    }
  }
}

function formatsOf(kind, options, path) {
  const codecs = check.array(options.codecs, `${path}.codecs`)
  const formats = codecs.flatMap((codec, index) => formatsOfCodec(kind, codec, `${path}.codecs[${index}]`))
  const clocks = new Set(codecs.map(codec => (codec.name === 'opus' ? 48_000 : 8000)))
  const telephone = check.optional(payloadType, options.telephoneEvents, undefined, `${path}.telephoneEvents`)
  const red = check.optional(payloadType, options.red, undefined, `${path}.red`)
  if (kind === 'video' && (telephone ?? red) !== undefined) {
    throw check.invalid(`${path}.${telephone === undefined ? 'red' : 'telephoneEvents'}`, 'sound', kind)
  }
  if (telephone !== undefined) {
    const [clock] = clocks
    formats.push({ payloadType: telephone, encoding: `telephone-event/${clock}`, parameters: '0-16' })
  }
  if (red !== undefined) {
    const opus = formats.find(({ encoding }) => encoding === ENCODINGS.opus)
    if (!opus) throw check.invalid(`${path}.red`, 'opus among the codecs', red)
    const parameters = `${opus.payloadType}/${opus.payloadType}`
    formats.push({ payloadType: red, encoding: 'red/48000/2', parameters })
  }
  return formats
}

/** A codec, and what repeats its packets. */
function formatsOfCodec(kind, given, path) {
  const options = check.options(given ?? null, path, ['name', 'payloadType', 'parameters', 'rtx'])
  const codec = check.oneOf(options.name, `${path}.name`, Object.keys(ENCODINGS))
  const standard = STATIC[codec]
  const format = {
    payloadType:
      standard === undefined || options.payloadType !== undefined ? payloadType(options.payloadType, `${path}.payloadType`) : standard,
    encoding: ENCODINGS[codec],
    parameters: check.optional(check.string, options.parameters, codec === 'h264' ? H264 : '', `${path}.parameters`)
  }
  if (options.rtx === undefined) return [format]
  if (kind !== 'video') throw check.invalid(`${path}.rtx`, 'pictures', kind)
  const rtx = { payloadType: payloadType(options.rtx, `${path}.rtx`), encoding: 'rtx/90000', parameters: `apt=${format.payloadType}` }
  return [format, rtx]
}

function payloadType(value, field) {
  return check.integer(value, field, 0, 127)
}

/** Ports of a line: one, or one for each encoding. */
function portsOf(options, path, line) {
  const ssrc = check.optional(check.integer, options.ssrc, null, `${path}.ssrc`, 1, MAX_SSRC)
  if (options.ports === undefined) {
    const port = check.optional(check.integer, options.port, line?.port ?? 0, `${path}.port`, 0, 65_535)
    return [{ port, rid: null, ssrc }]
  }
  const ports = check.array(options.ports, `${path}.ports`)
  if (ports.length === 0 || ports.length > MAX_PORTS) {
    throw check.invalid(`${path}.ports`, `1 to ${MAX_PORTS} ports, lowest quality first`, ports)
  }
  return ports.map((entry, index) => {
    const field = `${path}.ports[${index}]`
    const own = check.options(entry ?? null, field, ['port', 'rid', 'ssrc'])
    return {
      port: check.optional(check.integer, own.port, 0, `${field}.port`, 0, 65_535),
      rid: check.optional(rid, own.rid, null, `${field}.rid`),
      ssrc: check.optional(check.integer, own.ssrc, null, `${field}.ssrc`, 1, MAX_SSRC)
    }
  })
}

function rid(value, field) {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,16}$/.test(value)) {
    throw check.invalid(field, '1 to 16 letters, digits, - or _', value)
  }
  return value
}

async function remoteOf(given, path) {
  if (given === undefined) return null
  const options = check.options(given ?? null, path, ['address', 'port', 'rtcpPort'])
  const port = check.integer(options.port, `${path}.port`, 1, 65_535)
  const rtcpPort = check.optional(check.integer, options.rtcpPort, undefined, `${path}.rtcpPort`, 1, 65_535)
  const address = await addressOf(check.nonEmptyString(options.address, `${path}.address`), `${path}.address`)
  const at = port => (isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`)
  return { rtp: at(port), rtcp: rtcpPort === undefined ? null : at(rtcpPort) }
}

async function addressOf(host, field) {
  if (isIP(host) !== 0) return check.ip(host, field)
  try {
    return (await lookup(host)).address
  } catch (error) {
    throw new MediaLoomError('ERR_INVALID_ARG', `${field}: ${host} has no address (${error.code})`, { field })
  }
}

/** Keys of both directions, in hexadecimal digits as the engine takes them. */
function srtpOf(given, path, announced, direction) {
  const read = announced ? { suite: announced.suite, key: announced.key } : null
  if (given === undefined) {
    const send = read && direction !== 'recvonly' ? fresh(read.suite) : null
    return { receive: read, send }
  }
  const options = check.options(given ?? null, path, ['suite', 'key', 'sendKey'])
  const suite = check.oneOf(options.suite, `${path}.suite`, Object.keys(SUITES))
  const key = (value, field) => {
    const bytes = Buffer.from(check.nonEmptyString(value, field), 'base64')
    if (bytes.length !== SUITES[suite]) {
      throw check.invalid(field, `${SUITES[suite]} bytes of key and salt in base64`, `${bytes.length} bytes`)
    }
    return { suite, key: bytes.toString('hex') }
  }
  const receive = options.key === undefined ? read : key(options.key, `${path}.key`)
  if (!receive && direction !== 'sendonly') throw check.invalid(`${path}.key`, 'the key of who sends', options.key)
  const send = options.sendKey === undefined ? fresh(suite) : key(options.sendKey, `${path}.sendKey`)
  return { receive, send }
}

function fresh(suite) {
  return { suite, key: randomBytes(SUITES[suite]).toString('hex') }
}

/** Whose packets alone are taken of a multicast address. */
function sources(given) {
  const list = check.array(given, 'options.sources')
  if (list.length === 0 || list.length > MAX_SOURCES) throw check.invalid('options.sources', `1 to ${MAX_SOURCES} addresses`, list)
  return list.map((source, index) => check.ip(source, `options.sources[${index}]`))
}

function name(value, field) {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(value)) {
    throw check.invalid(field, '1 to 64 letters, digits and signs of ASCII', value)
  }
  return value
}

function randomSsrcs(count) {
  const ssrcs = new Set()
  // Retransmissions have the same but for one bit, which must be nobody's.
  while (ssrcs.size < count) ssrcs.add((randomBytes(4).readUInt32BE() >>> 1) | 1)
  return [...ssrcs]
}

/** An error of the engine, with the option that it means here. */
function named(error, kinds) {
  const { field } = error
  if (typeof field !== 'string') return error
  const name = field.replace(/^options\.media\[(\d+)\]/, (_, index) => `options.${kinds[index]}`)
  const option = name
    .replace('.formats', '.codecs')
    .replace(/\.ports\[0\]\.(port|srtp)$/, '.$1')
    // That of all of them.
    .replace(/^.*\.ports\[\d+\]\.address$/, 'options.address')
  if (option === field) return error
  return new MediaLoomError(error.code, `${option}: ${error.message.replace(`${field}: `, '')}`, { field: option })
}

module.exports = { SUITES, rtpOptions }
