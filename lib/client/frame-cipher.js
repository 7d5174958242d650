import { escapeNal, firstSlice, unescapeNal } from './nal-units.js'

/**
 * Encryption of encoded frames, between the encoder and the packetizer of one browser and the
 * depacketizer and the decoder of another, in the manner of SFrame (RFC 9605). Servers in between
 * forward what they cannot read.
 *
 * A sealed frame is
 *
 *     clear bytes | ciphertext and tag (AES-GCM) | stream id (8) | counter (4) | clear bytes + 128 (1) | format (1) | mark (4)
 *
 * SFrame has its header at the start; here it is at the end, as packetizers look at the start. Every
 * sender makes up a stream id of its own and encrypts with a key derived from it, so that a counter
 * of its frames, whatever their SSRC, is an IV that never comes twice under one key.
 */

const STREAM_ID_LENGTH = 8
const COUNTER_LENGTH = 4
/** Of the end that is found without knowing the format. No byte of it is less than 4, see escapeNal. */
const MARK = [0xe2, 0xee, 0x6d, 0x6c]
const END_LENGTH = STREAM_ID_LENGTH + COUNTER_LENGTH + 2 + MARK.length
const TAG_LENGTH = 16
/** Guesses at a passphrase shall cost something (OWASP, 2023). */
const PBKDF2_ITERATIONS = 600_000
/** Keys of senders that come and go. */
const MAX_KEYS = 64

/** How much of a frame stays in clear, and where the rest goes. */
const FORMAT = { prefix: 0x10, h264: 0x11, h265: 0x12, obu: 0x13 }

/**
 * Header of an OBU of a reserved type with a size (AV1 5.3.2): a decoder that does not have the key
 * skips what it does not know.
 */
const OBU_HEADER = (9 << 3) | 2
const OBU_HAS_EXTENSION = 4
const OBU_HAS_SIZE = 2

const text = new TextEncoder()

/**
 * The secret of a room, from which the keys of its senders come.
 *
 * @param {string} passphrase
 * @param {string} room its name, so that one passphrase in two rooms makes two secrets
 * @returns {Promise<CryptoKey>}
 */
export async function deriveRoomKey(passphrase, room) {
  const password = await crypto.subtle.importKey('raw', text.encode(passphrase), 'PBKDF2', false, ['deriveBits'])
  const salt = text.encode(`medialoom room ${room}`)
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: PBKDF2_ITERATIONS }, password, 256)
  return crypto.subtle.importKey('raw', bits, 'HKDF', false, ['deriveKey'])
}

/**
 * @param {CryptoKey} roomKey
 * @param {Uint8Array<ArrayBuffer>} streamId
 * @param {'encrypt' | 'decrypt'} usage
 */
function deriveStreamKey(roomKey, streamId, usage) {
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: streamId, info: text.encode('medialoom frames') }
  return crypto.subtle.deriveKey(parameters, roomKey, { name: 'AES-GCM', length: 128 }, false, [usage])
}

/** @param {number} counter */
function ivOf(counter) {
  const iv = new Uint8Array(12)
  new DataView(iv.buffer).setUint32(8, counter)
  return iv
}

/** Encrypts the frames of one sender. */
export class FrameSealer {
  #streamId = crypto.getRandomValues(new Uint8Array(STREAM_ID_LENGTH))
  #counter = 0
  #key

  /** @param {CryptoKey} roomKey */
  constructor(roomKey) {
    this.#key = deriveStreamKey(roomKey, this.#streamId, 'encrypt')
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} frame
   * @param {{ mimeType: string, isKeyframe: boolean }} about
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async seal(frame, { mimeType, isKeyframe }) {
    const { format, clearLength } = layoutOf(frame, mimeType, isKeyframe)
    // Fifty frames a second for two years; then the sender has to be made anew.
    const counter = this.#counter++
    if (counter > 0xffffffff) throw new Error('too many frames under one key')
    const clear = frame.subarray(0, clearLength)
    const ciphertext = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: ivOf(counter), additionalData: authenticated(clear, format) },
      await this.#key,
      frame.subarray(clearLength)
    )
    const sealed = new Uint8Array(ciphertext.byteLength + END_LENGTH)
    sealed.set(new Uint8Array(ciphertext))
    const end = sealed.subarray(ciphertext.byteLength)
    end.set(this.#streamId)
    new DataView(sealed.buffer).setUint32(ciphertext.byteLength + STREAM_ID_LENGTH, counter)
    end.set([128 + (format === FORMAT.prefix ? clearLength : 0), format, ...MARK], STREAM_ID_LENGTH + COUNTER_LENGTH)
    if (format === FORMAT.obu) return concatenate(Uint8Array.of(OBU_HEADER), leb128(sealed.length), sealed)
    return concatenate(clear, format === FORMAT.prefix ? sealed : escapeNal(sealed, clear))
  }
}

/** Decrypts the frames that one receiver gets, of whichever sender it is made to forward. */
export class FrameOpener {
  /** By stream id. @type {Map<string, Promise<CryptoKey>>} */
  #keys = new Map()
  #roomKey

  /** @param {CryptoKey} roomKey */
  constructor(roomKey) {
    this.#roomKey = roomKey
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} frame
   * @returns {Promise<{ state: 'plain' | 'sealed' | 'locked', frame: Uint8Array<ArrayBuffer> | null }>}
   *   `locked`: it is encrypted with another key, or was tampered with
   */
  async open(frame) {
    if (!isSealed(frame)) return { state: 'plain', frame }
    try {
      return { state: 'sealed', frame: await this.#open(frame) }
    } catch {
      return { state: 'locked', frame: null }
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} frame */
  async #open(frame) {
    const format = frame[frame.length - MARK.length - 1]
    const clearLength = clearLengthOf(frame, format)
    const clear = frame.subarray(0, clearLength)
    const rest = frame.subarray(clearLength)
    const sealed = format === FORMAT.h264 || format === FORMAT.h265 ? unescapeNal(rest, clear) : rest
    const end = sealed.length - END_LENGTH
    if (end < TAG_LENGTH) throw new RangeError('too short')
    const streamId = sealed.slice(end, end + STREAM_ID_LENGTH)
    const counter = new DataView(sealed.buffer, sealed.byteOffset).getUint32(end + STREAM_ID_LENGTH)
    const plain = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: ivOf(counter), additionalData: authenticated(clear, format) },
      await this.#keyOf(streamId),
      sealed.subarray(0, end)
    )
    // The OBU around the frame is not part of it.
    return format === FORMAT.obu ? new Uint8Array(plain) : concatenate(clear, new Uint8Array(plain))
  }

  /** @param {Uint8Array<ArrayBuffer>} streamId */
  #keyOf(streamId) {
    const name = String(streamId)
    let key = this.#keys.get(name)
    if (!key) {
      // Whoever can send to this receiver could make up ids without end.
      if (this.#keys.size >= MAX_KEYS) this.#keys.clear()
      key = deriveStreamKey(this.#roomKey, streamId, 'decrypt')
      this.#keys.set(name, key)
    }
    return key
  }
}

/** @param {Uint8Array} frame */
export function isSealed(frame) {
  return frame.length > END_LENGTH && MARK.every((byte, index) => frame[frame.length - MARK.length + index] === byte)
}

/**
 * What has to stay in clear, because the browsers' packetizers and the server look at it:
 *
 * - VP8: the frame tag, which tells keyframes, and the size in keyframes (RFC 6386 9.1).
 * - VP9: nothing, as its payload descriptor carries all that is needed (RFC 9628).
 * - AV1: packets are made of OBUs, so that the frame is packed into one; what it is made of tells the
 *   dependency descriptor.
 * - H264, H265: parameter sets, and the headers of the first slice (RFC 6184, RFC 7798).
 * - Opus: the TOC byte, which tells how long the frame lasts (RFC 6716 3.1).
 *
 * @param {Uint8Array} frame
 * @param {string} mimeType
 * @param {boolean} isKeyframe
 */
function layoutOf(frame, mimeType, isKeyframe) {
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      return { format: FORMAT.h264, clearLength: firstSlice(frame, 'h264') }
    case 'video/h265':
      return { format: FORMAT.h265, clearLength: firstSlice(frame, 'h265') }
    case 'video/av1':
      return { format: FORMAT.obu, clearLength: 0 }
    case 'video/vp9':
      return { format: FORMAT.prefix, clearLength: 0 }
    case 'video/vp8':
      return { format: FORMAT.prefix, clearLength: Math.min(frame.length, isKeyframe ? 10 : 3) }
    default:
      return { format: FORMAT.prefix, clearLength: Math.min(frame.length, 1) }
  }
}

/** @param {Uint8Array} frame @param {number} format */
function clearLengthOf(frame, format) {
  switch (format) {
    case FORMAT.prefix:
      return frame[frame.length - MARK.length - 2] - 128
    case FORMAT.h264:
      return firstSlice(frame, 'h264')
    case FORMAT.h265:
      return firstSlice(frame, 'h265')
    case FORMAT.obu:
      return obuPayload(frame)
    default:
      throw new RangeError('unknown format')
  }
}

/**
 * Clear bytes are covered by the tag, except where packetizers rewrite them: start codes and
 * parameter sets of NAL units, headers of OBUs.
 * @param {Uint8Array<ArrayBuffer>} clear @param {number} format
 */
function authenticated(clear, format) {
  return format === FORMAT.prefix ? clear : new Uint8Array(0)
}

/** Where the payload of an OBU begins. @param {Uint8Array} obu */
function obuPayload(obu) {
  let position = obu[0] & OBU_HAS_EXTENSION ? 2 : 1
  if (!(obu[0] & OBU_HAS_SIZE)) return position
  while (obu[position] & 0x80) position += 1
  return position + 1
}

/** AV1 4.10.5. @param {number} value */
function leb128(value) {
  const bytes = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, value)
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
function concatenate(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}
