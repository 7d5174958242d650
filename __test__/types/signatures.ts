/**
 * What index.d.ts declares is what the classes of lib/ do: as many arguments, and the same results. The
 * compiler infers those from the JavaScript, so this file compiles only while both agree.
 */

import type { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type * as declared from '../../index.js'
import type { DataChannel } from '../../lib/data-channel/data-channel.js'
import type { Endpoint } from '../../lib/endpoint.js'
import type { FrameReader } from '../../lib/mixer/frame-reader.js'
import type { FrameWriter } from '../../lib/mixer/frame-writer.js'
import type { Hls } from '../../lib/hls/hls.js'
import type { Rendition } from '../../lib/hls/rendition.js'
import type { InputTrack } from '../../lib/ingest/input-track.js'
import type { MediaInput } from '../../lib/ingest/media-input.js'
import type { RtmpOutput } from '../../lib/ingest/rtmp-output.js'
import type { RtmpServer } from '../../lib/ingest/rtmp-server.js'
import type { SrtOutput } from '../../lib/ingest/srt-output.js'
import type { SrtServer } from '../../lib/ingest/srt-server.js'
import type { PlayedTrack } from '../../lib/player/played-track.js'
import type { Player } from '../../lib/player/player.js'
import type { RtpTransport } from '../../lib/transport/rtp-transport.js'
import type { MixedTrack } from '../../lib/mixer/mixed-track.js'
import type { MixerPort } from '../../lib/mixer/mixer-port.js'
import type { Mixer } from '../../lib/mixer/mixer.js'
import type { PcmReader } from '../../lib/mixer/pcm-reader.js'
import type { PcmWriter } from '../../lib/mixer/pcm-writer.js'
import type { setLogger } from '../../lib/native/logger.js'
import type { MediaLoomError } from '../../lib/object/error.js'
import type { RecordedTrack } from '../../lib/recorder/recorded-track.js'
import type { Recorder } from '../../lib/recorder/recorder.js'
import type { repair } from '../../lib/recorder/repair.js'
import type { ActiveSpeakerDetector } from '../../lib/speakers/active-speaker-detector.js'
import type { SpeakerSlot } from '../../lib/speakers/speaker-slot.js'
import type { SpeakerSlots } from '../../lib/speakers/speaker-slots.js'
import type { IncomingStream } from '../../lib/track/incoming-stream.js'
import type { IncomingTrack } from '../../lib/track/incoming-track.js'
import type { OutgoingStream } from '../../lib/track/outgoing-stream.js'
import type { OutgoingTrack } from '../../lib/track/outgoing-track.js'
import type { Transponder } from '../../lib/track/transponder.js'
import type { Transport } from '../../lib/transport/transport.js'

/** Each class: as index.d.ts has it, and as it is. */
interface Classes {
  ActiveSpeakerDetector: [declared.ActiveSpeakerDetector, InstanceType<typeof ActiveSpeakerDetector>]
  DataChannel: [declared.DataChannel, InstanceType<typeof DataChannel>]
  Endpoint: [declared.Endpoint, InstanceType<typeof Endpoint>]
  MediaLoomError: [declared.MediaLoomError, InstanceType<typeof MediaLoomError>]
  FrameReader: [declared.FrameReader, InstanceType<typeof FrameReader>]
  FrameWriter: [declared.FrameWriter, InstanceType<typeof FrameWriter>]
  Hls: [declared.Hls, InstanceType<typeof Hls>]
  Rendition: [declared.Rendition, InstanceType<typeof Rendition>]
  InputTrack: [declared.InputTrack, InstanceType<typeof InputTrack>]
  MediaInput: [declared.MediaInput, InstanceType<typeof MediaInput>]
  RtmpOutput: [declared.RtmpOutput, InstanceType<typeof RtmpOutput>]
  RtmpServer: [declared.RtmpServer, InstanceType<typeof RtmpServer>]
  SrtOutput: [declared.SrtOutput, InstanceType<typeof SrtOutput>]
  SrtServer: [declared.SrtServer, InstanceType<typeof SrtServer>]
  PlayedTrack: [declared.PlayedTrack, InstanceType<typeof PlayedTrack>]
  Player: [declared.Player, InstanceType<typeof Player>]
  RtpTransport: [declared.RtpTransport, InstanceType<typeof RtpTransport>]
  IncomingStream: [declared.IncomingStream, InstanceType<typeof IncomingStream>]
  IncomingTrack: [declared.IncomingTrack, InstanceType<typeof IncomingTrack>]
  MixedTrack: [declared.MixedTrack, InstanceType<typeof MixedTrack>]
  Mixer: [declared.Mixer, InstanceType<typeof Mixer>]
  MixerPort: [declared.MixerPort, InstanceType<typeof MixerPort>]
  OutgoingStream: [declared.OutgoingStream, InstanceType<typeof OutgoingStream>]
  OutgoingTrack: [declared.OutgoingTrack, InstanceType<typeof OutgoingTrack>]
  PcmReader: [declared.PcmReader, InstanceType<typeof PcmReader>]
  PcmWriter: [declared.PcmWriter, InstanceType<typeof PcmWriter>]
  RecordedTrack: [declared.RecordedTrack, InstanceType<typeof RecordedTrack>]
  Recorder: [declared.Recorder, InstanceType<typeof Recorder>]
  SpeakerSlot: [declared.SpeakerSlot, InstanceType<typeof SpeakerSlot>]
  SpeakerSlots: [declared.SpeakerSlots, InstanceType<typeof SpeakerSlots>]
  Transponder: [declared.Transponder, InstanceType<typeof Transponder>]
  Transport: [declared.Transport, InstanceType<typeof Transport>]
}

type Same<A, B> = [A, B] extends [B, A] ? true : false
type NameOf<T> = { [Name in keyof Classes]: Same<T, Classes[Name][0]> | Same<T, Classes[Name][1]> extends false ? never : Name }[keyof Classes]

/** A type as far as it can be inferred: classes by their names, texts without which texts they may be. */
type Known<T> = 0 extends 1 & T ? any
  : T extends unknown
  ? [NameOf<T>] extends [never]
    ? T extends string ? string
    : T extends Promise<infer Value> ? Promise<Known<Value>>
    : T extends readonly (infer Element)[] ? readonly Known<Element>[]
    : T extends ReadonlyMap<infer Key, infer Value> ? ReadonlyMap<Known<Key>, Known<Value>>
    : T
    : { class: NameOf<T> }
  : never

/** Of what is `any` nothing is known. */
type Fits<Shipped, Declared> = 0 extends 1 & Shipped ? true
  : Shipped extends (...args: infer Taken) => infer Result
  ? Declared extends (...args: infer Told) => infer Promised
    ? Same<Required<Taken>['length'], Required<Told>['length']> extends true ? Fits<Result, Promised> : false
    : false
  : [Known<Shipped>] extends [Known<Declared>] ? true : false

/** Members of Node's classes are theirs. */
type Own<T> = Exclude<keyof T, keyof EventEmitter | keyof Readable | keyof Writable | keyof ErrorConstructor>
/** Members that are not as they are declared: none. */
type Wrong<Shipped, Declared> = {
  [Name in Own<Declared>]: Name extends keyof Shipped ? (Fits<Shipped[Name], Declared[Name]> extends true ? never : Name) : Name
}[Own<Declared>]

export const instances: { [Name in keyof Classes]: never } = {} as { [Name in keyof Classes]: Wrong<Classes[Name][1], Classes[Name][0]> }

export const statics: Record<string, never> = {} as {
  ActiveSpeakerDetector: Wrong<typeof ActiveSpeakerDetector, typeof declared.ActiveSpeakerDetector>
  DataChannel: Wrong<typeof DataChannel, typeof declared.DataChannel>
  Endpoint: Wrong<typeof Endpoint, typeof declared.Endpoint>
  MediaLoomError: Wrong<typeof MediaLoomError, typeof declared.MediaLoomError>
  FrameReader: Wrong<typeof FrameReader, typeof declared.FrameReader>
  FrameWriter: Wrong<typeof FrameWriter, typeof declared.FrameWriter>
  Hls: Wrong<typeof Hls, typeof declared.Hls>
  Rendition: Wrong<typeof Rendition, typeof declared.Rendition>
  InputTrack: Wrong<typeof InputTrack, typeof declared.InputTrack>
  MediaInput: Wrong<typeof MediaInput, typeof declared.MediaInput>
  RtmpOutput: Wrong<typeof RtmpOutput, typeof declared.RtmpOutput>
  RtmpServer: Wrong<typeof RtmpServer, typeof declared.RtmpServer>
  SrtOutput: Wrong<typeof SrtOutput, typeof declared.SrtOutput>
  SrtServer: Wrong<typeof SrtServer, typeof declared.SrtServer>
  PlayedTrack: Wrong<typeof PlayedTrack, typeof declared.PlayedTrack>
  Player: Wrong<typeof Player, typeof declared.Player>
  RtpTransport: Wrong<typeof RtpTransport, typeof declared.RtpTransport>
  IncomingStream: Wrong<typeof IncomingStream, typeof declared.IncomingStream>
  IncomingTrack: Wrong<typeof IncomingTrack, typeof declared.IncomingTrack>
  MixedTrack: Wrong<typeof MixedTrack, typeof declared.MixedTrack>
  Mixer: Wrong<typeof Mixer, typeof declared.Mixer>
  MixerPort: Wrong<typeof MixerPort, typeof declared.MixerPort>
  OutgoingStream: Wrong<typeof OutgoingStream, typeof declared.OutgoingStream>
  OutgoingTrack: Wrong<typeof OutgoingTrack, typeof declared.OutgoingTrack>
  PcmReader: Wrong<typeof PcmReader, typeof declared.PcmReader>
  PcmWriter: Wrong<typeof PcmWriter, typeof declared.PcmWriter>
  RecordedTrack: Wrong<typeof RecordedTrack, typeof declared.RecordedTrack>
  Recorder: Wrong<typeof Recorder, typeof declared.Recorder>
  SpeakerSlot: Wrong<typeof SpeakerSlot, typeof declared.SpeakerSlot>
  SpeakerSlots: Wrong<typeof SpeakerSlots, typeof declared.SpeakerSlots>
  Transponder: Wrong<typeof Transponder, typeof declared.Transponder>
  Transport: Wrong<typeof Transport, typeof declared.Transport>
}

export const functions: Record<string, true> = {} as {
  setLogger: Fits<typeof setLogger, typeof declared.setLogger>
  repair: Fits<typeof repair, typeof declared.repair>
}
