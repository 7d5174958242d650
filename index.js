'use strict'

const { version } = require('./package.json')
const native = require('./lib/native/binding.js')
const { ActiveSpeakerDetector } = require('./lib/speakers/active-speaker-detector.js')
const { DataChannel } = require('./lib/data-channel/data-channel.js')
const { Endpoint } = require('./lib/endpoint.js')
const { MediaLoomError } = require('./lib/object/error.js')
const { FrameReader } = require('./lib/mixer/frame-reader.js')
const { FrameWriter } = require('./lib/mixer/frame-writer.js')
const { IncomingStream } = require('./lib/track/incoming-stream.js')
const { IncomingTrack } = require('./lib/track/incoming-track.js')
const { InputTrack } = require('./lib/ingest/input-track.js')
const { MediaInput } = require('./lib/ingest/media-input.js')
const { setLogger } = require('./lib/native/logger.js')
const { MixedTrack } = require('./lib/mixer/mixed-track.js')
const { Mixer } = require('./lib/mixer/mixer.js')
const { MixerPort } = require('./lib/mixer/mixer-port.js')
const { OutgoingStream } = require('./lib/track/outgoing-stream.js')
const { OutgoingTrack } = require('./lib/track/outgoing-track.js')
const { PcmReader } = require('./lib/mixer/pcm-reader.js')
const { PcmWriter } = require('./lib/mixer/pcm-writer.js')
const { Hls } = require('./lib/hls/hls.js')
const { Rendition } = require('./lib/hls/rendition.js')
const { PlayedTrack } = require('./lib/player/played-track.js')
const { Player } = require('./lib/player/player.js')
const { RecordedTrack } = require('./lib/recorder/recorded-track.js')
const { Recorder } = require('./lib/recorder/recorder.js')
const { repair } = require('./lib/recorder/repair.js')
const { RtpTransport } = require('./lib/transport/rtp-transport.js')
const { RtmpOutput } = require('./lib/ingest/rtmp-output.js')
const { RtspInput } = require('./lib/ingest/rtsp-input.js')
const { RtmpServer } = require('./lib/ingest/rtmp-server.js')
const { SrtOutput } = require('./lib/ingest/srt-output.js')
const { SrtServer } = require('./lib/ingest/srt-server.js')
const { SpeakerSlot } = require('./lib/speakers/speaker-slot.js')
const { SpeakerSlots } = require('./lib/speakers/speaker-slots.js')
const { Transponder } = require('./lib/track/transponder.js')
const { Transport } = require('./lib/transport/transport.js')

module.exports = {
  version,
  versions: Object.freeze(native.versions()),
  setLogger,
  MediaLoomError,
  Endpoint,
  Transport,
  RtpTransport,
  IncomingStream,
  IncomingTrack,
  OutgoingStream,
  OutgoingTrack,
  Transponder,
  ActiveSpeakerDetector,
  SpeakerSlots,
  SpeakerSlot,
  Mixer,
  MixerPort,
  MixedTrack,
  PcmReader,
  PcmWriter,
  FrameReader,
  FrameWriter,
  Hls,
  Player,
  PlayedTrack,
  Recorder,
  Rendition,
  RecordedTrack,
  repair,
  RtmpServer,
  SrtServer,
  MediaInput,
  InputTrack,
  RtmpOutput,
  SrtOutput,
  RtspInput,
  DataChannel
}
