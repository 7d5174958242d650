'use strict'

const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')

const KNOWN = ['ordered', 'maxRetransmits', 'maxPacketLifeTime', 'protocol', 'negotiated', 'id', 'appData']
/** Both stand in one DATA_CHANNEL_OPEN (RFC 8832 5.1), which has to fit into a packet. */
const MAX_BYTES = 700

/** Checks what a data channel is made of and fills in the defaults. */
function dataChannelOptions(label, given) {
  short(label, 'label')
  const options = check.options(given, 'options', KNOWN)
  const limit = name => check.optional(check.integer, options[name], undefined, `options.${name}`, 0, 65_535)
  const maxRetransmits = limit('maxRetransmits')
  const maxPacketLifeTime = limit('maxPacketLifeTime')
  if (maxRetransmits !== undefined && maxPacketLifeTime !== undefined) {
    throw new MediaLoomError('ERR_INVALID_ARG', 'options.maxPacketLifeTime: excludes maxRetransmits', {
      field: 'options.maxPacketLifeTime'
    })
  }
  const negotiated = check.optional(check.boolean, options.negotiated, false, 'options.negotiated')
  // 65535 is reserved (RFC 8832 6).
  const id = check.optional(check.integer, options.id, undefined, 'options.id', 0, 65_534)
  if (negotiated !== (id !== undefined)) {
    throw new MediaLoomError('ERR_INVALID_ARG', 'options.id: goes together with negotiated: true', {
      field: 'options.id'
    })
  }
  return {
    label,
    protocol: check.optional(short, options.protocol, '', 'options.protocol'),
    ordered: check.optional(check.boolean, options.ordered, true, 'options.ordered'),
    maxRetransmits,
    maxPacketLifeTime,
    negotiated: id,
    appData: options.appData
  }
}

function short(value, field) {
  if (Buffer.byteLength(check.string(value, field)) > MAX_BYTES) {
    throw check.invalid(field, `at most ${MAX_BYTES} bytes`, value)
  }
  return value
}

module.exports = { dataChannelOptions }
