import medialoom from './index.js'

export const {
  version,
  versions,
  setLogger,
  MediaLoomError,
  Endpoint,
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
