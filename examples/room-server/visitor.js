import { isIP } from 'node:net'
import express from 'express'

/** A proxy adds one; more than a few are somebody's invention. */
const MAX_FORWARDED = 16

/**
 * Who sent a request, and from which page: what proxies say of it counts where they are trusted.
 */
export class Visitors {
  #trusts
  #origins
  #everyOrigin
  #wondered = false

  /**
   * @param {Pick<import('./config.js').Config, 'trustProxy' | 'origins' | 'baseUrl'>} config
   */
  constructor({ trustProxy, origins = [], baseUrl }) {
    // WebSockets come past Express, and go by the same setting.
    /** @type {(address: string, hop: number) => boolean} */
    this.#trusts = express()
      .set('trust proxy', trustProxy ?? false)
      .get('trust proxy fn')
    this.#everyOrigin = origins.includes('*')
    this.#origins = new Set(origins)
    if (baseUrl !== undefined && URL.canParse(baseUrl)) this.#origins.add(new URL(baseUrl).origin)
  }

  /** Whether the other end of the connection is a proxy. @param {string | undefined} address */
  isProxy(address) {
    return address !== undefined && this.#trusts(address, 0)
  }

  /**
   * The address of the client: the first from this end that is not a proxy of ours.
   * @param {import('node:http').IncomingMessage} request
   */
  addressOf(request) {
    const nearest = request.socket.remoteAddress ?? ''
    const told = headerOf(request, 'x-forwarded-for').split(',').slice(-MAX_FORWARDED).reverse()
    let address = nearest
    if (told[0] !== '' && !this.isProxy(nearest)) this.#wonder()
    for (const [hop, next] of told.entries()) {
      if (!this.#trusts(address, hop) || !isIP(next.trim())) break
      address = next.trim()
    }
    return address
  }

  /** Anybody may send such a header, so it is said once and not believed. */
  #wonder() {
    if (this.#wondered) return
    this.#wondered = true
    console.error(
      'A request names another client (X-Forwarded-For). If that was a proxy of yours, all of its clients count as one address until TRUST_PROXY says so.'
    )
  }

  /**
   * Where the client believes to be, such as `https://example.org`.
   * @param {import('node:http').IncomingMessage} request
   */
  siteOf(request) {
    const proxied = this.isProxy(request.socket.remoteAddress)
    const protocol =
      (proxied && headerOf(request, 'x-forwarded-proto').split(',')[0].trim()) || ('encrypted' in request.socket ? 'https' : 'http')
    const host = (proxied && headerOf(request, 'x-forwarded-host').split(',')[0].trim()) || headerOf(request, 'host')
    const site = `${protocol}://${host}`
    return /^https?:\/\/[\w.:[\]-]+$/.test(site) && URL.canParse(site) ? new URL(site) : null
  }

  /**
   * Whether a page may ask: one of this server's own, or of an origin that was allowed. What is no
   * browser has no origin, and needs no protection from the pages that its user opens.
   *
   * @param {import('node:http').IncomingMessage} request
   */
  mayAsk(request) {
    const { origin } = request.headers
    if (origin === undefined || this.#everyOrigin || this.#origins.has(origin)) return true
    return URL.canParse(origin) && new URL(origin).host === this.siteOf(request)?.host
  }
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {string} name
 */
function headerOf(request, name) {
  return String(request.headers[name] ?? '')
}
