'use strict'

/** Boxes of an MP4 file (ISO/IEC 14496-12), as far as tests want to know. */

/** The names of the boxes one behind the other, of a file or of the body of a box. */
function boxes(bytes) {
  const found = []
  let at = 0
  while (at + 8 <= bytes.length) {
    const short = bytes.readUInt32BE(at)
    const size = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short
    if (size < 8 || at + size > bytes.length) break
    found.push({ name: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + (short === 1 ? 16 : 8), at + size) })
    at += size
  }
  return found
}

/** Whether it is an ordinary file with an index, or fragments, and how many. */
function readMp4(bytes) {
  const names = boxes(bytes).map(({ name }) => name)
  return { finished: names.join() === 'ftyp,mdat,moov', fragments: names.filter(name => name === 'moof').length, names }
}

module.exports = { boxes, readMp4 }
