'use strict'

/**
 * Numbered packets for clients that send RTP themselves. Every frame is one packet, so that a
 * receiver can tell which frames it has and which it misses.
 */

/** When it was sent, in milliseconds of all processes' time, and its number. */
const TIME_BYTES = 8
const NUMBER_BYTES = 4

/** A VP8 frame (RFC 7741) that decodes to nothing but says whether it is a keyframe. */
function vp8Frame(number, keyframe) {
  // Payload descriptor: X and S bit, then I bit, then a 15-bit picture id (RFC 7741 4.2).
  const descriptor = Buffer.from([0x90, 0x80, 0x80 | ((number >> 8) & 0x7f), number & 0xff])
  // Payload header 4.3: the lowest bit is 0 for keyframes, which go on with a start code and a size.
  const header = keyframe
    ? Buffer.from([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 320 & 0xff, 320 >> 8, 240, 0])
    : Buffer.from([0x31, 0x02, 0x00])
  return Buffer.concat([descriptor, header, Buffer.alloc(600), numbered(number)])
}

function opusFrame(number) {
  // Table of contents (RFC 6716 3.1): CELT, 20 ms, one frame.
  return Buffer.concat([Buffer.from([0xfc]), Buffer.alloc(60), numbered(number)])
}

function numbered(number) {
  const bytes = Buffer.alloc(TIME_BYTES + NUMBER_BYTES)
  bytes.writeDoubleBE(now())
  bytes.writeUInt32BE(number, TIME_BYTES)
  return bytes
}

function now() {
  return performance.timeOrigin + performance.now()
}

function isVp8Keyframe(payload) {
  let offset = 1
  if (payload[0] & 0x80) {
    const extensions = payload[1]
    offset++
    if (extensions & 0x80) offset += payload[offset] & 0x80 ? 2 : 1
    if (extensions & 0x40) offset++
    if (extensions & 0x30) offset++
  }
  return (payload[offset] & 1) === 0
}

/** An RTP packet (RFC 3550 5.1). `extensions`: bytes by id. */
function rtpPacket({ payloadType, sequence, timestamp, ssrc, payload, marker = true, extensions }) {
  const header = Buffer.alloc(12)
  header[0] = extensions ? 0x90 : 0x80
  header[1] = (marker ? 0x80 : 0) | payloadType
  header.writeUInt16BE(sequence & 0xffff, 2)
  header.writeUInt32BE(timestamp >>> 0, 4)
  header.writeUInt32BE(ssrc, 8)
  return Buffer.concat([header, ...(extensions ? [headerExtension(Object.entries(extensions))] : []), payload])
}

/** With headers of one byte where the ids allow it, else of two (RFC 8285 4.2, 4.3). */
function headerExtension(elements) {
  const short = elements.every(([id]) => Number(id) <= 14)
  const bytes = Buffer.concat(
    elements.flatMap(([id, data]) => [Buffer.from(short ? [(Number(id) << 4) | (data.length - 1)] : [Number(id), data.length]), data])
  )
  const padded = Buffer.alloc(4 + 4 * Math.ceil(bytes.length / 4))
  padded.writeUInt16BE(short ? 0xbede : 0x1000, 0)
  padded.writeUInt16BE((padded.length - 4) / 4, 2)
  bytes.copy(padded, 4)
  return padded
}

/** The payload of an RTP packet, `null` for RTCP (RFC 5761 4) and padding. */
function rtpPayload(packet) {
  const type = packet[1] & 0x7f
  if (type >= 64 && type <= 95) return null
  let offset = 12 + 4 * (packet[0] & 0x0f)
  if (packet[0] & 0x10) offset += 4 + 4 * packet.readUInt16BE(offset + 2)
  const padding = packet[0] & 0x20 ? packet[packet.length - 1] : 0
  return offset < packet.length - padding ? packet.subarray(offset, packet.length - padding) : null
}

/** Notes which numbered frames of one kind arrived. */
class FrameLog {
  #kind
  #numbers = new Set()
  #first = null
  #last = null
  #startedWithKeyframe = null
  /** Of the frames since the last report. */
  #latencies = []

  constructor(kind) {
    this.#kind = kind
  }

  add(payload) {
    if (payload.length < TIME_BYTES + NUMBER_BYTES + 4) return
    const number = payload.readUInt32BE(payload.length - NUMBER_BYTES)
    if (this.#first === null) {
      this.#first = number
      if (this.#kind === 'video') this.#startedWithKeyframe = isVp8Keyframe(payload)
    }
    this.#last = Math.max(this.#last ?? number, number)
    this.#numbers.add(number)
    this.#latencies.push(now() - payload.readDoubleBE(payload.length - NUMBER_BYTES - TIME_BYTES))
  }

  report() {
    const frames = this.#numbers.size
    return {
      frames,
      missing: frames === 0 ? 0 : this.#last - this.#first + 1 - frames,
      startedWithKeyframe: this.#startedWithKeyframe,
      /** Milliseconds on the way. */
      latencies: this.#latencies.splice(0)
    }
  }
}

/** Calls `send` with numbered frames at the pace of a microphone and a camera. */
class FrameSource {
  #send
  #numbers = { audio: 0, video: 0 }
  #keyframeWanted = true
  #timers = []

  constructor(send) {
    this.#send = send
  }

  start() {
    this.#timers = [setInterval(() => this.#audio(), 20), setInterval(() => this.#video(), 33)]
  }

  stop() {
    this.#timers.forEach(clearInterval)
    return { audio: this.#numbers.audio, video: this.#numbers.video }
  }

  wantKeyframe() {
    this.#keyframeWanted = true
  }

  #audio() {
    const number = this.#numbers.audio++
    this.#send('audio', { number, timestamp: number * 960, payload: opusFrame(number) })
  }

  #video() {
    const number = this.#numbers.video++
    const keyframe = this.#keyframeWanted
    this.#keyframeWanted = false
    this.#send('video', { number, timestamp: number * 3000, payload: vp8Frame(number, keyframe) })
  }
}

module.exports = { FrameLog, FrameSource, opusFrame, rtpPacket, rtpPayload, vp8Frame }
