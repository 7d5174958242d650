'use strict'

const { version } = require('./package.json')
const { ActiveSpeakerDetector } = require('./lib/active-speaker-detector.js')
const { DataChannel } = require('./lib/data-channel.js')
const { Endpoint } = require('./lib/endpoint.js')
const { MediaLoomError } = require('./lib/error.js')
const { FrameReader } = require('./lib/frame-reader.js')
const { FrameWriter } = require('./lib/frame-writer.js')
const { IncomingStream } = require('./lib/incoming-stream.js')
const { IncomingTrack } = require('./lib/incoming-track.js')
const { setLogger } = require('./lib/logger.js')
const { MixedTrack } = require('./lib/mixed-track.js')
const { Mixer } = require('./lib/mixer.js')
const { MixerPort } = require('./lib/mixer-port.js')
const { OutgoingStream } = require('./lib/outgoing-stream.js')
const { OutgoingTrack } = require('./lib/outgoing-track.js')
const { PcmReader } = require('./lib/pcm-reader.js')
const { PcmWriter } = require('./lib/pcm-writer.js')
const { SpeakerSlot } = require('./lib/speaker-slot.js')
const { SpeakerSlots } = require('./lib/speaker-slots.js')
const { Transponder } = require('./lib/transponder.js')
const { Transport } = require('./lib/transport.js')

module.exports = {
  version,
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
  DataChannel
}
