'use strict'

/** The same pictures and sound as those that are pushed by RTMP, in packets of a transport stream (ISO/IEC 13818-1). */

const { PPS, SPS, slice } = require('./streams.js')

const PACKET = 188
const PAT = 0
const MAP = 0x1000
const PICTURES = 0x100
const SOUND = 0x101
/** Ticks of a millisecond. */
const TICKS = 90

/** CRC of a section (Annex A). */
function crc32(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  }
  const out = Buffer.alloc(4)
  out.writeInt32BE(crc | 0)
  return out
}

/** Payload in packets of one PID; what is left of the last one is stuffing. */
function packets(pid, payload) {
  const out = []
  for (let at = 0; at < payload.length;) {
    const rest = payload.subarray(at, at + PACKET - 4)
    const stuffing = PACKET - 4 - rest.length
    const head = Buffer.from([0x47, (at === 0 ? 0x40 : 0) | (pid >> 8), pid & 0xff, stuffing > 0 ? 0x30 : 0x10])
    const field = Buffer.alloc(stuffing, 0xff)
    if (stuffing > 0) field[0] = stuffing - 1
    if (stuffing > 1) field[1] = 0
    out.push(head, field, rest)
    at += rest.length
  }
  return Buffer.concat(out)
}

function table(pid, id, program, body) {
  const length = body.length + 9
  const section = Buffer.concat([Buffer.from([id, 0xb0 | (length >> 8), length & 0xff, program >> 8, program & 0xff, 0xc1, 0, 0]), body])
  // A table begins a packet, and 0xff is behind it.
  const whole = Buffer.concat([Buffer.from([0]), section, crc32(section)])
  const filled = Buffer.concat([whole, Buffer.alloc(PACKET - 4 - whole.length, 0xff)])
  return packets(pid, filled)
}

/** Opus, by its registration and how many channels it has (ETSI TS 103 491 is silent: as ffmpeg and GStreamer have it). */
const OPUS = Buffer.concat([Buffer.from([5, 4]), Buffer.from('Opus'), Buffer.from([0x7f, 2, 0x80, 2])])
const TABLES = Buffer.concat([
  table(PAT, 0, 1, Buffer.from([0, 1, 0xe0 | (MAP >> 8), MAP & 0xff])),
  table(
    MAP,
    2,
    1,
    Buffer.concat([
      Buffer.from([0xe0 | (PICTURES >> 8), PICTURES & 0xff, 0xf0, 0, 0x1b, 0xe0 | (PICTURES >> 8), PICTURES & 0xff, 0xf0, 0]),
      Buffer.from([6, 0xe0 | (SOUND >> 8), SOUND & 0xff, 0xf0, OPUS.length]),
      OPUS
    ])
  )
])

/** A PES packet with room for its time. */
function pes(stream, data) {
  const length = data.length + 8 > 0xffff ? 0 : data.length + 8
  return Buffer.concat([Buffer.from([0, 0, 1, stream, length >> 8, length & 0xff, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1]), data])
}

const START = Buffer.from([0, 0, 0, 1])

/** A picture of one slice, its tables and parameter sets in front where it is a keyframe. */
function picture(keyframe) {
  const units = keyframe ? [SPS, PPS, slice(true)] : [slice(false)]
  const made = packets(PICTURES, pes(0xe0, Buffer.concat(units.flatMap(unit => [START, unit]))))
  return keyframe ? Buffer.concat([TABLES, made]) : made
}

const sound = packets(SOUND, pes(0xbd, Buffer.concat([Buffer.from([0x7f, 0xe0, 160]), Buffer.from([0x78]), Buffer.alloc(159, 0x5a)])))

const SOUNDS = { opus: () => ({ milliseconds: 20, begin: null, frames: [sound], silence: null }) }

const pidOf = (bytes, at) => ((bytes[at + 1] & 0x1f) << 8) | bytes[at + 2]

function setCounter(bytes, at, counter) {
  bytes[at + 3] = (bytes[at + 3] & 0xf0) | counter
}

/** A copy of a frame with a time of milliseconds (2.4.3.7). */
function setTime(made, milliseconds) {
  const copy = Buffer.from(made)
  const ticks = Math.round(milliseconds * TICKS)
  for (let at = 0; at < copy.length; at += PACKET) {
    const [begins, pid] = [copy[at + 1] & 0x40, pidOf(copy, at)]
    if (!begins || (pid !== PICTURES && pid !== SOUND)) continue
    const stuffing = copy[at + 3] & 0x20 ? copy[at + 4] + 1 : 0
    const time = at + 4 + stuffing + 9
    copy[time] = 0x21 | ((Math.floor(ticks / 2 ** 30) & 7) << 1)
    copy.writeUInt16BE((((ticks >>> 15) & 0x7fff) << 1) | 1, time + 1)
    copy.writeUInt16BE(((ticks & 0x7fff) << 1) | 1, time + 3)
  }
  return copy
}

module.exports = { PACKET, SOUNDS, configuration: Buffer.alloc(0), picture, pidOf, setCounter, setTime }
