import { Encoders } from './encoders.js'
import { Refusal } from './problem.js'
import { fetchUrl } from './fetched-inputs.js'

/** Warnings of one input that are kept: there are no more kinds than that. */
const MAX_WARNINGS = 16

/**
 * @typedef {object} InputsConfig
 * @property {number} [rtmpPort] default: no RTMP
 * @property {number} [rtmpsPort] default: no RTMPS; goes with a certificate
 * @property {number} [srtPort] default: no SRT
 * @property {string} [srtPassphrase] what all who push by SRT have to have; default: none
 * @property {number} [srtLatency] milliseconds
 * @property {'refuse' | 'mix'} [bFrames] what becomes of pictures with B-frames; default: they are refused
 * @property {string} [rtpAddress] where plain RTP is listened for; default: where HTTP is
 * @property {boolean} [allowPrivate] whether inputs may be fetched from private addresses
 *
 * @typedef {object} Author who adds an input
 * @property {string} name what the others see
 * @property {'rtmp' | 'srt' | 'rtp' | 'rtsp'} type
 * @property {string} ip
 * @property {import('medialoom/auth').Authorization} [authorization] what the input may; default: everything
 */

/** What comes into rooms by other ways than WebRTC, and who may bring it. */
export class Inputs {
  #parts
  #config
  #encoders
  /** By participant. @type {WeakMap<import('medialoom/rooms').Participant, { type: string, address: string, warnings: { code: string, message: string }[] }>} */
  #known = new WeakMap()

  /**
   * @param {object} parts
   * @param {import('medialoom/rooms').Rooms} parts.rooms
   * @param {import('./entrance.js').Entrance} parts.entrance
   * @param {import('./access.js').Access} parts.access
   * @param {import('./limits.js').Limits} parts.limits
   * @param {import('./config.js').Config} parts.config
   */
  constructor(parts) {
    this.#parts = parts
    this.#config = parts.config.inputs ?? {}
    this.#encoders = new Encoders({ ...parts, inputs: this, config: this.#config, tls: parts.config.tls, host: parts.config.host })
  }

  /** Listens for encoders. */
  listen() {
    return this.#encoders.listen()
  }

  close() {
    return this.#encoders.close()
  }

  /** Where encoders are listened for. */
  get ports() {
    return this.#encoders.ports
  }

  /**
   * Where encoders push to, as they reach this server. The key says the room, where there are keys.
   * @param {string} host
   * @param {string} room
   */
  urls(host, room) {
    const { rtmp, rtmps } = this.#encoders.ports
    const app = this.#parts.access.open ? encodeURIComponent(room) : 'live'
    return [
      ...(rtmps === undefined ? [] : [`rtmps://${host}:${rtmps}/${app}`]),
      ...(rtmp === undefined ? [] : [`rtmp://${host}:${rtmp}/${app}`])
    ]
  }

  /**
   * Where an encoder with a key pushes to by SRT, all in one. Whoever asks for it may have the passphrase: it is for all who push.
   * @param {string} host
   * @param {string} room
   * @param {string} key
   */
  srtUrl(host, room, key) {
    const { srt } = this.#encoders.ports
    if (srt === undefined) return null
    const id = this.#parts.access.open ? `${encodeURIComponent(room)}/${key}` : key
    const { srtPassphrase } = this.#config
    const passphrase = srtPassphrase === undefined ? '' : `&passphrase=${encodeURIComponent(srtPassphrase)}`
    return `srt://${host}:${srt}?streamid=${encodeURIComponent(id)}${passphrase}`
  }

  /** Which other inputs there can be. */
  get takes() {
    const endpoint = /** @type {any} */ (this.#parts.rooms.endpoint)
    return { rtp: typeof endpoint.createRtpTransport === 'function', rtsp: true, srt: true }
  }

  /** @param {import('medialoom/rooms').Room} room */
  list(room) {
    return room.participants.filter(({ input }) => input !== null).map(participant => this.view(participant))
  }

  /** @param {import('medialoom/rooms').Participant} participant */
  view(participant) {
    const { id, name, identity, joinedAt, moderated, tracks } = participant
    const { type = 'unknown', address = null, warnings = [] } = this.#known.get(participant) ?? {}
    // Of what may go and come back.
    const { state } = /** @type {{ state?: string }} */ (participant.input ?? {})
    return {
      id,
      name,
      ...(identity !== null && { identity }),
      type,
      address,
      joinedAt: new Date(joinedAt).toISOString(),
      tracks: tracks.map(({ kind, codecs }) => ({ kind, codec: codecs[0] ?? null })),
      moderated,
      ...(state && { state }),
      warnings
    }
  }

  /**
   * Before an input is taken.
   * @param {string} name of the room
   * @param {string} ip
   * @throws {Refusal | import('./addresses.js').TooMany}
   */
  check(name, ip) {
    const { rooms, limits, entrance } = this.#parts
    entrance.addresses.of(ip).addInput()
    const room = rooms.get(name)
    if (room && room.participants.filter(({ input }) => input !== null).length >= limits.maxInputsPerRoom) {
      throw new Refusal(409, `the room has ${limits.maxInputsPerRoom} inputs already`, { code: 'too-many-inputs' })
    }
  }

  /**
   * Has an input be somebody in a room.
   *
   * @param {string} room
   * @param {import('medialoom/rooms').Input} input
   * @param {Author} author
   */
  add(room, input, { name, type, ip, authorization = {} }) {
    const { rooms, entrance } = this.#parts
    this.check(room, ip)
    const address = entrance.addresses.of(ip)
    const { identity, banBy, metadata, attributes, permissions } = authorization
    const participant = entrance.as(address, () =>
      rooms.addInput(room, input, {
        name,
        ...(identity !== undefined && { identity }),
        ...(banBy !== undefined && { banBy }),
        ...(metadata !== undefined && { metadata }),
        ...(attributes !== undefined && { attributes }),
        ...(permissions !== undefined && { permissions })
      })
    )
    address.inputs += 1
    participant.once('left', () => (address.inputs -= 1))
    /** @type {{ code: string, message: string }[]} */
    const warnings = []
    this.#known.set(participant, { type, address: ip, warnings })
    input.on('warning', ({ code, message }) => void (warnings.length < MAX_WARNINGS && warnings.push({ code, message })))
    input.on('error', () => {})
    return participant
  }

  /**
   * Plain RTP, on ports of its own: the first packet of each has to be from one of the addresses.
   *
   * @param {string} room
   * @param {{ sdp: string, from: string[] }} options
   * @param {Author} author
   */
  async addRtp(room, { sdp, from }, author) {
    const endpoint = /** @type {any} */ (this.#parts.rooms.endpoint)
    if (!this.takes.rtp) throw new Refusal(501, 'this server takes no plain RTP', { code: 'not-supported' })
    this.check(room, author.ip)
    const { host } = this.#parts.config
    // Addresses and ports of this host are not for others to choose.
    const anyPort = { port: 0 }
    const transport = await endpoint.createRtpTransport({
      sdp,
      address: this.#config.rtpAddress ?? host ?? '0.0.0.0',
      allow: from,
      ...(/^m=audio /m.test(sdp) && { audio: anyPort }),
      ...(/^m=video /m.test(sdp) && { video: anyPort })
    })
    try {
      return { participant: this.add(room, transport, author), ports: transport.ports.map(portView) }
    } catch (error) {
      void transport.close()
      throw error
    }
  }

  /**
   * @param {string} room
   * @param {string} url
   * @param {Author} author
   */
  async addUrl(room, url, author) {
    this.check(room, author.ip)
    const input = await fetchUrl(this.#parts.rooms.endpoint, url, { allowPrivate: this.#config.allowPrivate ?? false })
    try {
      // Others may have come while the camera answered.
      this.check(room, author.ip)
      return this.add(room, input, author)
    } catch (error) {
      void input.close()
      throw error
    }
  }
}

/** @param {{ kind: string, port: number, rtcpPort: number }} port */
function portView({ kind, port, rtcpPort }) {
  return { kind, port, rtcpPort }
}
