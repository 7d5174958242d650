/** What is needed of the byte stream format of H264 and H265 (Annex B) to encrypt slices. */

/** Length of a NAL unit's header, and whether it is a slice. */
const SYNTAX = {
  h264: { headerLength: 1, isSlice: (/** @type {number} */ header) => (header & 0x1f) >= 1 && (header & 0x1f) <= 5 },
  h265: { headerLength: 2, isSlice: (/** @type {number} */ header) => ((header >> 1) & 0x3f) < 32 }
}
/** Of a slice header, enough to find the picture parameter set that it refers to. */
const SLICE_HEADER_LENGTH = 4

/**
 * How many bytes come up to and with the beginning of the first slice: start codes, parameter sets
 * and what a packetizer reads of the slice.
 *
 * @param {Uint8Array} frame
 * @param {'h264' | 'h265'} codec
 */
export function firstSlice(frame, codec) {
  const { headerLength, isSlice } = SYNTAX[codec]
  for (let index = 0; index + 3 < frame.length; index += 1) {
    if (frame[index] !== 0 || frame[index + 1] !== 0 || frame[index + 2] !== 1) continue
    const header = index + 3
    if (isSlice(frame[header])) return Math.min(frame.length, header + headerLength + SLICE_HEADER_LENGTH)
  }
  return frame.length
}

/**
 * Makes bytes fit into a NAL unit: no start code may occur in it, so that after two zeros a byte up
 * to 3 gets a 3 before it (H264 7.4.1, emulation prevention).
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} before what comes before them in the NAL unit
 */
export function escapeNal(bytes, before) {
  const escaped = new Uint8Array(bytes.length + Math.ceil(bytes.length / 2) + 1)
  let zeros = trailingZeros(before)
  let length = 0
  for (const byte of bytes) {
    if (zeros >= 2 && byte <= 3) {
      escaped[length++] = 3
      zeros = 0
    }
    escaped[length++] = byte
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return escaped.slice(0, length)
}

/** @param {Uint8Array} bytes @param {Uint8Array} before */
export function unescapeNal(bytes, before) {
  const plain = new Uint8Array(bytes.length)
  let zeros = trailingZeros(before)
  let length = 0
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0
      continue
    }
    plain[length++] = byte
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return plain.slice(0, length)
}

/** @param {Uint8Array} bytes */
function trailingZeros(bytes) {
  let zeros = 0
  while (zeros < 2 && bytes[bytes.length - 1 - zeros] === 0) zeros += 1
  return zeros
}
