'use strict'

/** What is in a WebM or Matroska file (RFC 9559), as far as tests want to know. Wherever it ends. */

const MASTERS = new Set([0x18538067, 0x1549a966, 0x1654ae6b, 0xae, 0xe0, 0x1f43b675, 0x1c53bb6b, 0xbb, 0x1043a770, 0x45b9, 0xb6, 0x80])

/** Tracks by number with their codec, name, size, and times in milliseconds; chapters, cues, duration. */
function readWebm(bytes) {
  const file = { duration: null, tracks: new Map(), cues: 0, chapters: [], whole: false }
  let track
  let cluster = 0
  let at = 0
  while (at < bytes.length) {
    const [id, idLength] = number(bytes, at, true)
    const [size, sizeLength] = number(bytes, at + idLength, false)
    const body = at + idLength + sizeLength
    if (id === null || size === null) return file
    if (MASTERS.has(id)) {
      if (id === 0xae) track = { times: [], keyframes: 0, bytes: 0 }
      if (id === 0xbb) file.cues++
      at = body
      continue
    }
    if (body + size > bytes.length) return file
    const data = bytes.subarray(body, body + size)
    if (id === 0xd7) file.tracks.set(unsigned(data), track)
    else if (id === 0x86) track.codec = data.toString()
    else if (id === 0x536e) track.name = data.toString()
    else if (id === 0xb0) track.width = unsigned(data)
    else if (id === 0xba) track.height = unsigned(data)
    else if (id === 0x4489) file.duration = data.readDoubleBE()
    else if (id === 0x85) file.chapters.push(data.toString())
    else if (id === 0xe7) cluster = unsigned(data)
    else if (id === 0xa3) {
      const block = file.tracks.get(data[0] & 0x7f)
      block.times.push(cluster + data.readInt16BE(1))
      block.keyframes += data[3] >> 7
      block.bytes += data.length - 4
    }
    at = body + size
  }
  file.whole = true
  return file
}

/** The value and its length; an id keeps its marker. The unknown size has the length 0 here. */
function number(bytes, at, isId) {
  const first = bytes[at]
  const length = first ? Math.clz32(first) - 23 : 9
  if (length > 8 || at + length > bytes.length) return [null, 0]
  let value = isId ? first : first & (0xff >> length)
  let ones = (first | ((0xff << (8 - length)) & 0xff)) === 0xff
  for (const byte of bytes.subarray(at + 1, at + length)) {
    value = value * 256 + byte
    ones &&= byte === 0xff
  }
  return [!isId && ones ? 0 : value, length]
}

function unsigned(data) {
  return data.reduce((value, byte) => value * 256 + byte, 0)
}

module.exports = { readWebm }
