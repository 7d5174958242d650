'use strict'

const { isIP } = require('node:net')
const { lookup } = require('node:dns/promises')
const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')

/** Each is a candidate of every description, twice with TCP. */
const MAX_ANNOUNCED = 16
/** RFC 1123 2.1, RFC 1035 2.3.4. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?$/i

/** Checks one entry of `listen`; its `announced` may still have names. */
function listenOptions(given, field, threads) {
  if (given === undefined) throw check.invalid(field, 'an object', given)
  const { ip, announcedIp, announcedPort } = check.options(given, field, ['ip', 'announcedIp', 'announcedPort'])
  const port = check.optional(announced, announcedPort, undefined, `${field}.announcedPort`, threads)
  check.ip(ip, `${field}.ip`)
  if (port !== undefined && announcedIp === undefined) {
    throw check.invalid(`${field}.announcedPort`, 'announcedIp beside it', port)
  }
  return {
    ip,
    announced: announcedOptions(announcedIp, port, `${field}.announcedIp`, threads)
  }
}

function announcedOptions(given, port, field, threads) {
  if (given === undefined) return []
  const list = Array.isArray(given) ? given : [given]
  if (list.length === 0 || list.length > MAX_ANNOUNCED) {
    throw check.invalid(field, `1 to ${MAX_ANNOUNCED} addresses`, given)
  }
  return list.map((entry, index) => {
    const path = Array.isArray(given) ? `${field}[${index}]` : field
    if (typeof entry === 'string') return { host: host(entry, path), port, field: path }
    const options = check.options(entry ?? null, path, ['ip', 'port'])
    return {
      host: host(options.ip, `${path}.ip`),
      port: check.optional(announced, options.port, port, `${path}.port`, threads),
      field: `${path}.ip`
    }
  })
}

/** A port of thread 0, with room for those of the others. */
function announced(value, field, threads) {
  return check.integer(value, field, 1, 65_536 - threads)
}

function host(value, field) {
  if (typeof value === 'string' && isIP(value) === 0 && HOST_NAME.test(value)) {
    // What only has digits and dots is an address with a mistake in it.
    if (!/^[\d.]+$/.test(value)) return value
  } else if (typeof value === 'string' && isIP(value) !== 0 && !value.includes('%')) {
    return value
  }
  throw check.invalid(field, 'an IPv4 or IPv6 address or a host name', value)
}

/** Puts addresses in place of the names: all that a name has of the family that is listened on. */
async function resolved({ ip, announced }) {
  const family = isIP(ip)
  const lists = await Promise.all(announced.map(entry => addressesOf(entry, family)))
  return { ip, announced: lists.flat().slice(0, MAX_ANNOUNCED) }
}

async function addressesOf({ host, port, field }, family) {
  const at = address => (port === undefined ? { ip: address } : { ip: address, port })
  if (isIP(host) !== 0) return [at(host)]
  try {
    const addresses = await lookup(host, { all: true, family })
    return addresses.map(({ address }) => at(address))
  } catch (error) {
    const text = `${field}: ${host} has no IPv${family} address (${error.code}); give an address, or a name that resolves`
    throw new MediaLoomError('ERR_INVALID_ARG', text, { field })
  }
}

module.exports = { listenOptions, resolved }
