'use strict'

/** What encoders push: 2 Mbit/s of pictures, and sound as Opus or AAC. */

const fs = require('node:fs')
const path = require('node:path')
const { audio, video } = require('./encoder.js')

const FRAME_RATE = 30
/** Of the pictures, in bits a second. */
const BITRATE = 2_000_000
/** Pictures from a keyframe to the next one. */
const GROUP = 60
const KEYFRAME_BYTES = 4 * (BITRATE / 8 / FRAME_RATE)
const FRAME_BYTES = (BITRATE / 8 / FRAME_RATE) * (1 - 3 / (GROUP - 1))
/** What is in front of the moment at which a picture was pushed, in milliseconds. */
const MARK = Buffer.from('pushed=')
const MOMENT = 20

/** 320x240, constrained baseline. */
const SPS = Buffer.from('6742c00dda0507e840', 'hex')
const PPS = Buffer.from('68ce3c80', 'hex')

function sized(bytes) {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) in a tag of FLV. */
const configuration = video(
  Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0, 1, SPS[1], SPS[2], SPS[3], 0xff, 0xe1]), sized(SPS), Buffer.from([1]), sized(PPS)])
)

/** A picture, with room for the moment. */
function slice(keyframe) {
  const made = Buffer.alloc(Math.round(keyframe ? KEYFRAME_BYTES : FRAME_BYTES), 0x55)
  made.set(keyframe ? [0x65, 0x88, 0x84] : [0x41, 0x9a, 0x07])
  made.set(MARK, 3)
  return made
}

/** A picture of one slice in a tag of FLV. */
function picture(keyframe) {
  const unit = slice(keyframe)
  const head = Buffer.from([keyframe ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(unit.length, 5)
  return video(Buffer.concat([head, unit]))
}

/** Writes the moment into a picture, which is in its first chunk. */
function stamp(message, moment) {
  message.write(moment.toFixed(6).padStart(MOMENT), message.indexOf(MARK) + MARK.length)
}

/** The moment in a packet, if it has the beginning of a picture. */
function stamped(packet) {
  const found = packet.subarray(0, 128).indexOf(MARK)
  const text = found < 0 ? '' : packet.toString('latin1', found + MARK.length, found + MARK.length + MOMENT)
  return text.length === MOMENT ? Number(text) : null
}

/** A tone of AAC-LC, 44.1 kHz, stereo; each frame has its length in front. */
function toneOfAac() {
  const bytes = fs.readFileSync(path.join(__dirname, '..', '..', 'src', 'mcu', 'audio', 'testing', 'tone.aac'))
  const frames = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at)
    frames.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  // The first ones have the beginning of the tone.
  return frames.slice(4, -1)
}

/** Sound as messages, one after the other. */
const SOUNDS = {
  opus: () => ({
    milliseconds: 20,
    begin: null,
    frames: [audio(Buffer.concat([Buffer.from([0x91]), Buffer.from('Opus'), Buffer.from([0x78]), Buffer.alloc(159, 0x5a)]))],
    silence: null
  }),
  aac: () => ({
    milliseconds: (1024 / 44_100) * 1000,
    begin: audio(Buffer.from([0xaf, 0, 0x12, 0x10])),
    frames: toneOfAac().map(frame => audio(Buffer.concat([Buffer.from([0xaf, 1]), frame]))),
    // Two channels in which all is zero.
    silence: audio(Buffer.from([0xaf, 1, 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c]))
  })
}

module.exports = { FRAME_RATE, GROUP, PPS, SOUNDS, SPS, configuration, picture, slice, stamp, stamped }
