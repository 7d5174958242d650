'use strict'

const { isIP } = require('node:net')
const check = require('../object/check.js')

const MAX_NETWORKS = 64

/** Addresses and networks, such as `192.0.2.0/24`, as the engine takes them. */
function networks(given, field) {
  const list = check.optional(check.array, given, [], field)
  if (list.length > MAX_NETWORKS) throw check.invalid(field, `at most ${MAX_NETWORKS} networks`, list)
  return list.map((entry, index) => {
    const place = `${field}[${index}]`
    const [, address, bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(check.string(entry, place)) ?? []
    const longest = isIP(address ?? '') === 6 ? 128 : 32
    const prefix = bits === undefined ? longest : Number(bits)
    if (isIP(address ?? '') === 0 || prefix > longest) {
      throw check.invalid(place, 'an address or a network such as 192.0.2.0/24', entry)
    }
    return { address, prefix }
  })
}

module.exports = { networks }
