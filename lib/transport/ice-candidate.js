'use strict'

const check = require('../object/check.js')

/** Longer than any candidate with all its extensions. */
const MAX_LENGTH = 4096

/**
 * A candidate as a browser signals it, as one line (RFC 8839 5.1); the empty string means that
 * there are no more.
 */
function candidateLine(given) {
  if (given === null || given === '') return ''
  if (typeof given === 'string') return short(given, 'candidate')
  if (typeof given !== 'object' || given === undefined) {
    throw check.invalid('candidate', 'a string, null or an RTCIceCandidateInit', given)
  }
  const line = short(check.optional(check.string, given.candidate, '', 'candidate.candidate'), 'candidate.candidate')
  const ufrag = given.usernameFragment
  if (ufrag === undefined || ufrag === null) return line
  check.string(ufrag, 'candidate.usernameFragment')
  // Tells candidates of an older ICE generation apart; browsers put it into the line as well.
  return line === '' || / ufrag /.test(line) || !/^[\w+/-]+$/.test(ufrag) ? line : `${line} ufrag ${ufrag}`
}

function short(line, field) {
  if (line.length > MAX_LENGTH) throw check.invalid(field, `at most ${MAX_LENGTH} characters`, line)
  return line
}

module.exports = { candidateLine }
