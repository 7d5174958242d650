import medialoom from './index.js'

export const {
  version,
  setLogger,
  MediaLoomError,
  Endpoint,
  RtpTransport,
  Transport,
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
  Recorder,
  RecordedTrack,
  repair,
  DataChannel
} = medialoom
