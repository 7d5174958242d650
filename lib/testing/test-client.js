'use strict'

const { once } = require('node:events')

/** dBov above which there is a sound: a tone is far above, and noise of codecs far below. */
const AUDIBLE = -60
/** Milliseconds. */
const PATIENCE = 5000
const STILL = 500
const LOOK_AGAIN = 20

/** One client without a browser. */
class TestClient {
  /** @type {import('../rooms/index.js').Participant | null} */
  participant = null
  #endpoint
  #transport
  /** @type {import('../../index.js').OutgoingStream} */
  #stream
  /** @type {Promise<import('../../index.js').MixerPort> | null} */
  #voice = null
  /** When something was heard of each track last. @type {Map<import('../../index.js').IncomingTrack, number>} */
  #heard = new Map()
  /** Why negotiation failed. @type {Error | null} */
  #failure = null

  /**
   * @param {import('../../index.js').Endpoint} endpoint
   * @param {import('../../index.js').Transport} transport
   * @param {import('./index.js').TestConnectOptions} [options]
   */
  constructor(endpoint, transport, { sends = ['audio', 'video'] } = {}) {
    this.#endpoint = endpoint
    this.#transport = transport
    transport.on('error', error => (this.#failure = error))
    transport.on('track', track => {
      track.on('audiolevel', ({ level }) => {
        if (level > AUDIBLE) this.#heard.set(track, performance.now())
      })
      track.once('closed', () => this.#heard.delete(track))
    })
    this.#stream = transport.createOutgoingStream()
    for (const kind of sends) this.#stream.addTrack(kind)
  }

  get transport() {
    return this.#transport
  }

  get tracks() {
    return this.#transport.incomingTracks
  }

  /** @param {(offer: string) => Promise<string>} exchange */
  async offer(exchange) {
    await this.#transport.acceptAnswer(await exchange(await this.#transport.createOffer()))
  }

  /** @param {string} offer */
  acceptOffer(offer) {
    return this.#transport.acceptOffer(offer)
  }

  /** Answers whatever the server's end of the connection offers. @param {import('../../index.js').Transport} remote */
  follow(remote) {
    remote.on('negotiationneeded', async () => {
      try {
        await remote.acceptAnswer(await this.acceptOffer(await remote.createOffer()))
      } catch (error) {
        // Whoever leaves in the middle of it has not failed.
        if (!remote.closed && !this.#transport.closed) this.#failure = /** @type {Error} */ (error)
      }
    })
  }

  async connected() {
    while (this.#transport.state !== 'connected') {
      if (this.#transport.closed) throw this.#failure ?? new Error('the client was not let in: its transport closed')
      await Promise.race([once(this.#transport, 'state'), once(this.#transport, 'closed')])
    }
  }

  async speak() {
    const port = await this.#attach('audio')
    port.setTone({ frequency: 440 })
  }

  beSilent() {
    void this.#voice?.then(port => port.setTone(null))
  }

  async show() {
    await this.#attach('video')
  }

  /**
   * @param {import('../rooms/index.js').Participant} [participant]
   * @param {import('./index.js').WaitOptions} [options]
   */
  hears(participant, options) {
    return this.#wait('hears', participant, options, since =>
      this.#tracksOf('audio', participant).some(track => (this.#heard.get(track) ?? -Infinity) > since)
    )
  }

  /**
   * @param {import('../rooms/index.js').Participant} [participant]
   * @param {import('./index.js').WaitOptions} [options]
   */
  async sees(participant, options) {
    let before = await this.#framesOf(participant)
    await this.#wait('sees', participant, options, async () => {
      const now = await this.#framesOf(participant)
      const more = [...now].some(([track, count]) => count > (before.get(track) ?? 0))
      before = now
      return more
    })
  }

  async close() {
    await this.#transport.close()
  }

  /**
   * Looks until it is so. With `not` it is so when there was half a second without.
   *
   * @param {string} what
   * @param {import('../rooms/index.js').Participant | undefined} participant
   * @param {import('./index.js').WaitOptions | undefined} options
   * @param {(since: number) => boolean | Promise<boolean>} happens whether it did since then, or since it was asked last
   */
  async #wait(what, participant, { not = false, timeout = PATIENCE } = {}, happens) {
    const deadline = performance.now() + timeout
    let since = performance.now()
    for (;;) {
      const now = performance.now()
      const happened = await happens(since)
      if (happened && !not) return
      if (happened) since = now
      if (not && now - since > STILL) return
      if (this.#failure) throw this.#failure
      if (this.#transport.closed) throw new Error('the client has gone')
      const whom = participant ? participant.name : 'anybody'
      if (now > deadline) throw new Error(`the client ${not ? `still ${what}` : `${what} nothing of`} ${whom} after ${timeout} ms`)
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN))
    }
  }

  /**
   * Has what is sent of a kind come from the mixer, which is made for the first.
   * @param {import('../../index.js').Kind} kind
   */
  async #attach(kind) {
    const out = this.#stream.tracks.find(track => track.kind === kind)
    if (!out) throw new Error(`the client sends no ${kind}: give it among \`sends\``)
    this.#voice ??= this.#makeVoice()
    const port = await this.#voice
    const source = port.mixer[kind]
    if (source && !out.transponder) out.attachTo(source)
    return port
  }

  async #makeVoice() {
    const mixer = await this.#endpoint.createMixer({ audio: true, video: { width: 320, height: 180, frameRate: 10 } })
    this.#transport.once('closed', () => void mixer.close())
    return mixer.addPort({ label: this.participant?.name ?? 'A client' })
  }

  /**
   * Frames that came by now, by track.
   * @param {import('../rooms/index.js').Participant} [participant]
   */
  async #framesOf(participant) {
    const ids = new Set(this.#tracksOf('video', participant).map(track => track.id))
    const { incomingTracks } = await this.#transport.getStats()
    return new Map(
      incomingTracks.flatMap(({ id, encodings }) =>
        ids.has(id) ? [[id, encodings.reduce((sum, { framesReceived = 0 }) => sum + framesReceived, 0)]] : []
      )
    )
  }

  /**
   * @param {import('../../index.js').Kind} kind
   * @param {import('../rooms/index.js').Participant} [participant]
   */
  #tracksOf(kind, participant) {
    const streams = participant?.publications.map(({ id }) => id)
    return this.tracks.filter(track => track.kind === kind && !track.closed && (streams?.includes(track.stream.id) ?? true))
  }
}

exports.TestClient = TestClient
