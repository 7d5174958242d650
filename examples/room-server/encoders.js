import { readFile } from 'node:fs/promises'
import { isRefusal } from './problem.js'

/** Milliseconds between lines of the log about encoders that were refused. */
const LOG_MS = 1000
/** Milliseconds from the answer to a publisher to its input: they come one behind the other. */
const ARRIVAL_MS = 10_000
const DEFAULT_NAME = 'Encoder'

/** What SRT has for the reasons: not allowed. */
const FORBIDDEN = 1403

/**
 * Servers of RTMP, RTMPS and SRT. The stream key, or the stream id, is a token, which says the room and what may
 * be sent to it; of a token for all rooms, and where nobody needs one, what stands before the key is the room.
 */
export class Encoders {
  #options
  /** @type {import('medialoom').RtmpServer[]} */
  #servers = []
  /** @type {import('medialoom').SrtServer | null} */
  #srt = null
  /** Who was let in and is about to come. @type {Map<string, { room: string, authorization: import('medialoom/auth').Authorization, name: string }>} */
  #expected = new Map()
  #refused = 0
  #told = -Infinity

  /**
   * @param {object} options
   * @param {import('./inputs.js').Inputs} options.inputs
   * @param {import('./inputs.js').InputsConfig} options.config
   * @param {import('medialoom/rooms').Rooms} options.rooms
   * @param {import('./entrance.js').Entrance} options.entrance
   * @param {import('./access.js').Access} options.access
   * @param {import('./limits.js').Limits} options.limits
   * @param {import('./config.js').Config['tls']} options.tls
   * @param {string | undefined} options.host
   */
  constructor(options) {
    this.#options = options
  }

  async listen() {
    const { config, tls } = this.#options
    if (config.rtmpPort !== undefined) await this.#listen(config.rtmpPort)
    if (config.rtmpsPort !== undefined && tls) {
      await this.#listen(config.rtmpsPort, { cert: await readFile(tls.cert), key: await readFile(tls.key) })
    }
    if (config.srtPort !== undefined) await this.#listenSrt(config.srtPort)
  }

  /** @returns {{ rtmp?: number, rtmps?: number, srt?: number }} */
  get ports() {
    return {
      ...Object.fromEntries(this.#servers.filter(({ closed }) => !closed).map(({ secure, port }) => [secure ? 'rtmps' : 'rtmp', port])),
      ...(this.#srt && !this.#srt.closed && { srt: this.#srt.port })
    }
  }

  async close() {
    await Promise.all([...this.#servers, ...(this.#srt ? [this.#srt] : [])].map(server => server.close()))
  }

  /** @param {number} port @param {{ cert: Buffer, key: Buffer }} [tls] */
  async #listen(port, tls) {
    const server = await this.#options.rooms.endpoint.createRtmpServer({
      ...this.#common(port),
      ...(tls && { tls }),
      authorize: publisher => this.#authorize(publisher)
    })
    server.on('error', error => console.error(`RTMP: ${error.code} ${error.message}`))
    server.on('input', input => this.#add(input, 'rtmp'))
    this.#servers.push(server)
  }

  /** @param {number} port */
  async #listenSrt(port) {
    const { rooms, config } = this.#options
    const server = await rooms.endpoint.createSrtServer({
      ...this.#common(port),
      ...(config.srtPassphrase !== undefined && { passphrase: config.srtPassphrase }),
      ...(config.srtLatency !== undefined && { latency: config.srtLatency }),
      authorize: async publisher => (await this.#authorize(publisher)) || FORBIDDEN
    })
    server.on('error', error => console.error(`SRT: ${error.code} ${error.message}`))
    server.on('input', input => this.#add(input, 'srt'))
    this.#srt = server
  }

  /** @param {number} port */
  #common(port) {
    const { limits, config, host } = this.#options
    return {
      port,
      ip: host === undefined || host === 'localhost' ? (host ? '127.0.0.1' : '0.0.0.0') : host,
      maxInputs: limits.maxInputs,
      ...(config.bFrames && { bFrames: config.bFrames })
    }
  }

  /** @param {Pick<import('medialoom').RtmpPublisher, 'app' | 'key' | 'address'>} publisher */
  async #authorize(publisher) {
    const { app, key, address } = publisher
    const { access, entrance, inputs } = this.#options
    try {
      entrance.addresses.of(address).join()
      const of = access.open ? '*' : await access.roomOf(key)
      const room = of === '*' ? decoded(app) : of
      if (room === null) return false
      const authorization = await entrance.enterFrom(address, { action: 'publish', room, token: access.open ? null : key })
      inputs.check(room, address)
      const place = placeOf(publisher)
      const name = authorization.name ?? (access.open ? decoded(key) : DEFAULT_NAME)
      this.#expected.set(place, { room, authorization, name })
      setTimeout(() => this.#expected.delete(place), ARRIVAL_MS).unref()
      return true
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#refuse(address, /** @type {Error} */ (error))
      return false
    }
  }

  /** @param {import('medialoom').MediaInput} input @param {'rtmp' | 'srt'} type */
  #add(input, type) {
    const expected = this.#expected.get(placeOf(input))
    try {
      if (!expected) throw new Error('nobody expects this encoder')
      this.#options.inputs.add(expected.room, input, { ...expected, type, ip: input.address })
    } catch (error) {
      if (!isRefusal(error)) console.error(error)
      else this.#refuse(input.address, /** @type {Error} */ (error))
      // It is told so once it was let in.
      setImmediate(() => void (input.closed || input.close()))
    }
  }

  /** Anybody may try, so that not every try has a line. @param {string} address @param {Error} error */
  #refuse(address, error) {
    this.#refused += 1
    const now = performance.now()
    if (now - this.#told < LOG_MS) return
    const others = this.#refused > 1 ? ` (and ${this.#refused - 1} before)` : ''
    console.error(`Encoders: ${address} was refused: ${error.message}${others}`)
    this.#told = now
    this.#refused = 0
  }
}

/** @param {Pick<import('medialoom').RtmpPublisher, 'app' | 'key' | 'address'>} publisher */
function placeOf({ address, app, key }) {
  return JSON.stringify([address, app, key])
}

/** @param {string} text of a URL */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
