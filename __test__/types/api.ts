/**
 * Compiled, never run: what users write must compile, and what is wrong must not.
 */

import { EventEmitter, once } from 'node:events'
import {
  DataChannel,
  Endpoint,
  MediaLoomError,
  OutgoingTrack,
  Transport,
  setLogger,
  version,
  type CloseReason,
  type Encoding,
  type EndpointStats,
  type ErrorCode,
  type IncomingStream,
  type IncomingTrack,
  type SourceTrack,
  type Transponder,
  type TransportState
} from '../../index.js'

/** Compiles only when both types are the same. */
function same<A>() {
  return <B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false): void => {}
}

/** What a mixer was asked for is there; what it may or may not have been asked for is looked at. */
export async function mixersOfEveryKind(endpoint: Endpoint, stereo: boolean, out: OutgoingTrack): Promise<void> {
  const [sound, both] = [await endpoint.createMixer({ audio: { stereo } }), await endpoint.createMixer({ audio: true, video: true })]
  for (const track of [sound.audio, both.audio, both.video]) out.attachTo(track)
  // @ts-expect-error
  out.attachTo(sound.video)
  const perhaps = await endpoint.createMixer({ audio: stereo })
  // @ts-expect-error
  out.attachTo(perhaps.audio)
  // @ts-expect-error
  await endpoint.createMixer({ sound: true })
}

export async function correctUse(offer: string): Promise<void> {
  await using endpoint = await Endpoint.create({
    listen: [{ ip: '0.0.0.0', announcedIp: '203.0.113.5' }],
    port: 40_000,
    threads: 2,
    tcp: true,
    maxTransports: 10
  })
  const emitter: EventEmitter<any> = endpoint
  void emitter
  const transport = endpoint.createTransport({ codecs: ['opus', 'vp8'], dtls: '1.3', appData: { user: 1 } })
  const answer: string = await transport.acceptOffer(offer)
  void answer

  transport.on('track', (track, stream) => {
    same<IncomingTrack>()<typeof track>(true)
    same<IncomingStream>()<typeof stream>(true)
    track.on('audiolevel', ({ level, voice }) => {
      same<number>()<typeof level>(true)
      same<boolean>()<typeof voice>(true)
    })
    const source: SourceTrack = track
    source.on('audiolevel', ({ level }) => same<number>()<typeof level>(true))
    track.on('encoding', encoding => same<Encoding>()<typeof encoding>(true))
    track.requestKeyframe('h')
  })
  transport.on('state', state => same<TransportState>()<typeof state>(true))
  transport.once('closed', reason => same<CloseReason>()<typeof reason>(true))
  transport.off('negotiationneeded', () => {})
  transport.on('error', error => same<ErrorCode>()<typeof error.code>(true))
  transport.on('datachannel', channel => {
    channel.on('message', data => same<string | Buffer>()<typeof data>(true))
    channel.send(new Float32Array(4))
    channel.send(new ArrayBuffer(8))
    channel.bufferedAmountLowThreshold = 1000
  })
  await once(transport, 'negotiationneeded')

  const stream = transport.createOutgoingStream({ id: 'camera', audio: 1, video: 1 })
  const [incoming] = transport.incomingTracks
  if (incoming && stream.video[0]) {
    const transponder: Transponder = stream.video[0].attachTo(incoming)
    transponder.attachTo(incoming).selectEncoding('h')
    transponder.on('encoding', (rid, encoding) => {
      same<string | null>()<typeof rid>(true)
      same<Encoding | null>()<typeof encoding>(true)
    })
    transponder.mute()
    transponder.mute(false)
  }
  using detector = endpoint.createActiveSpeakerDetector({ threshold: -50 })
  detector.on('speaker', speaker => same<IncomingTrack | null>()<typeof speaker>(true))
  using slots = endpoint.createSpeakerSlots(3, { video: 2, detector })
  slots.on('speakers', tracks => same<IncomingTrack[]>()<typeof tracks>(true))
  for (const slot of [...slots.audio, ...slots.video]) {
    slot.on('change', track => same<IncomingTrack | null>()<typeof track>(true))
    const transponder: Transponder | undefined = stream.audio[0]?.attachTo(slot)
    void (transponder?.slot === slot)
  }
  if (incoming) detector.add(incoming, { video: incoming })
  await transport.addIceCandidate({ candidate: '', sdpMid: null })
  await transport.addIceCandidate(null)
  const fragment: string | null = await transport.acceptFragment('a=ice-ufrag:x')
  void fragment
  {
    using track: OutgoingTrack = stream.addTrack('audio', { id: 'voice' })
    same<string | null>()<typeof track.mid>(true)
    using channel: DataChannel = transport.createDataChannel('chat', { maxRetransmits: 0 })
    same<number>()<typeof channel.bufferedAmount>(true)
  }
  const stats: EndpointStats = await endpoint.getStats()
  const rtt: number | undefined = stats.transports[0]?.selectedCandidatePair?.currentRoundTripTime
  void rtt
  endpoint.ref().unref()
  setLogger(console, { level: 'debug' })
  setLogger(record => same<Record<string, string>>()<typeof record.fields>(true))
  setLogger(null)
  same<string>()<typeof version>(true)
  const error: Error = new MediaLoomError('ERR_SDP', 'no m-line', { line: 'm=' })
  void error
}

export async function wrongUse(endpoint: Endpoint, transport: Transport, incoming: IncomingTrack): Promise<void> {
  // @ts-expect-error made by create() alone
  new Endpoint()
  // @ts-expect-error made by an endpoint alone
  new Transport()
  // @ts-expect-error a typing error in an option
  await Endpoint.create({ thread: 2 })
  // @ts-expect-error a listen entry needs an address
  await Endpoint.create({ listen: [{}] })
  // @ts-expect-error codecs are written small
  endpoint.createTransport({ codecs: ['VP8'] })
  // @ts-expect-error versions are strings
  endpoint.createTransport({ dtls: 1.2 })
  // @ts-expect-error no such event
  transport.on('tracks', () => {})
  // @ts-expect-error no such event
  transport.once('close', () => {})
  // @ts-expect-error no such event of an endpoint
  endpoint.on('track', () => {})
  // @ts-expect-error the state is a string of a few
  transport.on('state', (state: number) => state)
  // @ts-expect-error no such state
  transport.on('state', state => state === 'failed')
  // @ts-expect-error a track event has two arguments
  transport.on('track', (track, stream, more) => more)
  // @ts-expect-error SDP is a string
  await transport.acceptOffer({ type: 'offer', sdp: '' })
  // @ts-expect-error the answer is no object
  ;(await transport.acceptOffer('')).sdp
  // @ts-expect-error read only
  transport.state = 'connected'
  // @ts-expect-error read only lists
  transport.incomingTracks.push(incoming)
  // @ts-expect-error an incoming track cannot be sent to
  incoming.attachTo(incoming)
  // @ts-expect-error only incoming tracks can be a source
  transport.outgoingTracks[0]?.attachTo(transport.outgoingTracks[0])
  // @ts-expect-error kinds are audio and video
  transport.createOutgoingStream().addTrack('screen')
  // @ts-expect-error the mid is null before negotiation
  transport.outgoingTracks[0]!.mid.length
  // @ts-expect-error numbers are no messages
  transport.dataChannels[0]?.send(5)
  // @ts-expect-error no such code
  new MediaLoomError('ERR_UNKNOWN', 'text')
  // @ts-expect-error no such level
  setLogger(console, { level: 'fatal' })
  // @ts-expect-error a logger has a method per level
  setLogger({ error() {} })
}
