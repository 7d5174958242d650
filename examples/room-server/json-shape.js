const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPENING_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/**
 * What JSON would come to, in one pass over its bytes: JSON.parse and the checks behind it take
 * seconds for arrays in arrays, or for some hundred thousand values, of the size of one SDP.
 * What is not JSON is looked at as if it were.
 *
 * @param {Buffer} bytes of UTF-8, in which no byte of another character looks like one of these
 * @param {{ maxDepth: number, maxValues: number }} limits objects and arrays inside each other; names and
 *   values together
 * @returns {boolean} whether it is within the limits
 */
export function isModest(bytes, { maxDepth, maxValues }) {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at + 1)
        break
      case OPENING_BRACKET:
      case OPENING_BRACE:
        depth += 1
        values += 1
        if (depth > maxDepth) return false
        break
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        depth -= 1
        break
      case COMMA:
      case COLON:
        values += 1
    }
    if (values > maxValues) return false
  }
  return true
}

/** @param {Buffer} bytes @param {number} at */
function endOfString(bytes, at) {
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}
