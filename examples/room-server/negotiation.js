/**
 * The server's half of perfect negotiation with one browser, as the polite side: when both offer
 * at once, the browser's offer wins and the server offers again afterwards.
 *
 * Offers carry an id that the answer repeats. Signaling may be cut and come back at any time; both
 * sides then send their open offer again under the same id, and whoever has answered that id
 * already repeats the answer. Nothing is applied twice and nothing is lost.
 */
export class Negotiation {
  #transport
  #send
  #fail
  /** Steps run one after the other: each of them changes the signaling state. */
  #queue = Promise.resolve()
  #lastId = 0
  /** @type {{ id: number, sdp: string } | null} */
  #openOffer = null
  /** @type {{ id: number, sdp: string } | null} */
  #lastAnswer = null
  #needed = false
  /** The browser offers first; an offer of the server's before that would only collide with it. */
  #started = false

  /**
   * @param {import('medialoom').Transport} transport
   * @param {object} options
   * @param {(message: { type: 'offer' | 'answer', id: number, sdp: string }) => void} options.send
   * @param {(request: 'offer' | 'answer', error: unknown) => void} options.fail
   */
  constructor(transport, { send, fail }) {
    this.#transport = transport
    this.#send = send
    this.#fail = fail
    transport.on('negotiationneeded', () => {
      this.#needed = true
      this.#run('offer', () => this.#offer())
    })
  }

  /** @param {{ id: number, sdp: string }} offer */
  acceptOffer({ id, sdp }) {
    this.#run('offer', async () => {
      if (this.#lastAnswer?.id !== id) {
        this.#openOffer = null
        const answer = await this.#transport.acceptOffer(sdp)
        this.#lastAnswer = { id, sdp: answer }
        this.#started = true
      }
      this.#send({ type: 'answer', ...this.#lastAnswer })
      await this.#offer()
    })
  }

  /** @param {{ id: number, sdp: string }} answer */
  acceptAnswer({ id, sdp }) {
    this.#run('answer', async () => {
      // An answer to an offer that gave way to the browser's own.
      if (this.#openOffer?.id !== id) return
      await this.#transport.acceptAnswer(sdp)
      this.#openOffer = null
      await this.#offer()
    })
  }

  /** The signaling came back. */
  resume() {
    this.#run('offer', async () => {
      if (this.#openOffer) this.#send({ type: 'offer', ...this.#openOffer })
    })
  }

  async #offer() {
    if (!this.#needed || !this.#started || this.#openOffer) return
    this.#needed = false
    let sdp
    try {
      sdp = await this.#transport.createOffer()
    } catch (error) {
      // What needed negotiation was settled by the browser's offer in the meantime.
      if (/** @type {any} */ (error).code === 'ERR_INVALID_STATE') return
      throw error
    }
    this.#openOffer = { id: ++this.#lastId, sdp }
    this.#send({ type: 'offer', ...this.#openOffer })
  }

  /**
   * @param {'offer' | 'answer'} request
   * @param {() => Promise<void>} step
   */
  #run(request, step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#transport.closed) return
      try {
        await step()
      } catch (error) {
        if (!this.#transport.closed) this.#fail(request, error)
      }
    })
  }
}
