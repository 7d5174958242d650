import { readFile } from 'node:fs/promises'
import { isRefusal } from './problem.js'

/** Milliseconds between lines of the log about encoders that were refused. */
const LOG_MS = 1000
/** Milliseconds from the answer to a publisher to its input: they come one behind the other. */
const ARRIVAL_MS = 10_000
const DEFAULT_NAME = 'Encoder'

/**
 * Servers of RTMP and RTMPS. The stream key is a token, which says the room and what may be sent to it;
 * of a token for all rooms, and where nobody needs one, the application in the URL is the room.
 */
export class RtmpInputs {
  #options
  /** @type {import('medialoom').RtmpServer[]} */
  #servers = []
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
  }

  /** @returns {{ rtmp?: number, rtmps?: number }} */
  get ports() {
    return Object.fromEntries(this.#servers.filter(({ closed }) => !closed).map(({ secure, port }) => [secure ? 'rtmps' : 'rtmp', port]))
  }

  async close() {
    await Promise.all(this.#servers.map(server => server.close()))
  }

  /** @param {number} port @param {{ cert: Buffer, key: Buffer }} [tls] */
  async #listen(port, tls) {
    const { rooms, limits, config, host } = this.#options
    const server = await rooms.endpoint.createRtmpServer({
      port,
      ip: host === undefined || host === 'localhost' ? (host ? '127.0.0.1' : '0.0.0.0') : host,
      maxInputs: limits.maxInputs,
      ...(config.bFrames && { bFrames: config.bFrames }),
      ...(tls && { tls }),
      authorize: publisher => this.#authorize(publisher)
    })
    server.on('error', error => console.error(`RTMP: ${error.code} ${error.message}`))
    server.on('input', input => this.#add(input))
    this.#servers.push(server)
  }

  /** @param {import('medialoom').RtmpPublisher} publisher */
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

  /** @param {import('medialoom').MediaInput} input */
  #add(input) {
    const expected = this.#expected.get(placeOf(input))
    try {
      if (!expected) throw new Error('nobody expects this encoder')
      this.#options.inputs.add(expected.room, input, { ...expected, type: 'rtmp', ip: input.address })
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
    console.error(`RTMP: ${address} was refused: ${error.message}${others}`)
    this.#told = now
    this.#refused = 0
  }
}

/** @param {import('medialoom').RtmpPublisher} publisher */
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
