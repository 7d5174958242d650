'use strict'

const { within } = require('./within.js')

/** Milliseconds for which a player waits for the room to have a mixer. */
const MIXER_MS = 5000

/**
 * The mix of a room for players of HLS. It is made while somebody watches, and the room has a mixer as
 * long.
 */
class RoomHls {
  #room
  #mixing
  #options
  /** @type {Promise<import('../../index.js').Hls> | null} */
  #going = null
  /** @type {import('../../index.js').Hls | null} */
  #hls = null
  /** @type {(() => void) | null} */
  #mixed = null
  /** @type {import('./index.js').RoomHls['handler']} */
  handler = (request, response) => void this.#answer(request, response)

  /**
   * @param {import('./room.js').Room} room
   * @param {import('./room-mixer.js').RoomMixer} mixing
   * @param {import('../../index.js').HlsOptions} options
   */
  constructor(room, mixing, options) {
    this.#room = room
    this.#mixing = mixing
    this.#options = options
  }

  get watched() {
    return this.#hls?.watched ?? false
  }

  /** @returns {Promise<import('../../index.js').HlsStats> | null} */
  getStats() {
    return this.#hls?.getStats() ?? null
  }

  close() {
    if (!this.#going) return
    this.#going = null
    this.#hls?.close()
    this.#hls = null
    this.#mixing.remove(this)
  }

  /** Called by the room's mixer, which is there, or another one. */
  update() {
    const { mixer } = this.#mixing
    if (!mixer || mixer.closed) return
    this.#mixed?.()
    for (const rendition of this.#hls?.renditions ?? []) {
      const track = mixer[rendition.kind]
      if (track) rendition.attachTo(track)
    }
  }

  /** Called by the room's mixer, which makes another one. */
  fail() {}

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async #answer(request, response) {
    try {
      if (this.#room.closed) return refuse(response, 410, 'the room is closed')
      if (this.#room.mode === 'p2p') return refuse(response, 409, 'in mode p2p no media passes the server')
      // Nobody watches by anything else, and nobody begins to but by this.
      const begins = /^\/*index\.m3u8(\?|$)/.test(request.url ?? '') && request.method === 'GET'
      if (!this.#going && !begins) return refuse(response, 404, 'nobody watches')
      this.#going ??= this.#begin()
      const hls = await this.#going
      hls.handler(request, response)
    } catch (error) {
      this.close()
      refuse(response, 503, error instanceof Error ? error.message : 'the room cannot be mixed')
    }
  }

  async #begin() {
    const mixed = new Promise(resolve => (this.#mixed = () => resolve(undefined)))
    this.#mixing.add(this)
    await within(MIXER_MS, mixed, 'the mixer of the room')
    const hls = await this.#room.endpoint.createHls({ ...this.#options, appData: this.#room })
    try {
      const { mixer } = this.#mixing
      if (!mixer || this.#room.closed) throw new Error('nothing is mixed any more')
      const { audio, video } = mixer
      // Each size of the mix is one that players choose from.
      for (const encoding of video?.rids ?? []) if (video) hls.add(video, { encoding })
      if (video?.rids.length === 0) hls.add(video)
      if (audio) hls.add(audio)
    } catch (error) {
      hls.close()
      throw error
    }
    hls.on('watched', watched => {
      if (!watched && this.#hls === hls) this.close()
    })
    hls.once('closed', () => {
      if (this.#hls === hls) this.close()
    })
    this.#hls = hls
    return hls
  }
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} why
 */
function refuse(response, status, why) {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }).end(why)
}

exports.RoomHls = RoomHls
