import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { Refusal } from './problem.js'

/** Addresses that are not of the public Internet (IANA's special-purpose registries, RFC 6890). */
const PRIVATE = new BlockList()
for (const [network, prefix] of /** @type {[string, number][]} */ ([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3]
])) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
}
/** Of IPv6 what is public is one block (RFC 4291 2.4); inside it, ways back to IPv4 and examples are not. */
const PUBLIC6 = new BlockList()
PUBLIC6.addSubnet('2000::', 3, 'ipv6')
PRIVATE.addSubnet('2001::', 23, 'ipv6')
PRIVATE.addSubnet('2001:db8::', 32, 'ipv6')
PRIVATE.addSubnet('2002::', 16, 'ipv6')

/** Whether an address is inside of a network that the server may be in, or of the server itself. @param {string} ip */
export function isPrivate(ip) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return isPrivate(mapped)
  if (isIP(ip) === 4) return PRIVATE.check(ip, 'ipv4')
  return !PUBLIC6.check(ip, 'ipv6') || PRIVATE.check(ip, 'ipv6')
}

/**
 * The URL with an address in place of its name: what was looked at is what is connected to, whatever the
 * name means a moment later.
 *
 * @param {string} text
 * @param {{ protocols: string[], allowPrivate: boolean, resolve?: (name: string) => Promise<{ address: string }[]> }} options
 * @returns {Promise<URL>}
 * @throws {Refusal}
 */
export async function outsideUrl(text, { protocols, allowPrivate, resolve = name => lookup(name, { all: true }) }) {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !protocols.includes(url.protocol)) {
    throw new Refusal(400, `url must be of ${protocols.map(protocol => `${protocol}//`).join(' or ')}`, {
      code: 'bad-request',
      field: 'url'
    })
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) ? [host] : (await resolve(host).catch(() => [])).map(({ address }) => address)
  if (addresses.length === 0) throw new Refusal(422, `${host} is not known`, { code: 'unknown-host', field: 'url' })
  // One is enough: whoever answers for the name chooses which of them is taken.
  if (!allowPrivate && addresses.some(isPrivate)) {
    throw new Refusal(403, 'private and loopback addresses are not asked from here', { code: 'forbidden-address', field: 'url' })
  }
  const [address = ''] = addresses
  const [, scheme = '', credentials = '', rest = ''] = /^([^:]+:\/\/)([^/@]*@)?(?:\[[^\]]*\]|[^/:?#]*)(.*)$/.exec(url.href) ?? []
  return new URL(`${scheme}${credentials}${isIP(address) === 6 ? `[${address}]` : address}${rest}`)
}
