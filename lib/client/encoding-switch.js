/** A change that the browser refused is tried again once after this long. */
const RETRY_MS = 500

/** @typedef {{ rid: string | null, wanted: boolean }[]} Demand */

/**
 * Switches encodings of one sender off while nobody takes them, and on again.
 *
 * `setParameters` takes only what the last `getParameters` gave, and one change at a time: what
 * comes meanwhile is remembered, and the latest counts.
 */
export class EncodingSwitch {
  #sender
  /** @type {Demand} */
  #demand = []
  #busy = false
  #changed = false

  /** @param {RTCRtpSender} sender */
  constructor(sender) {
    this.#sender = sender
  }

  /** @param {Demand} demand encodings that it does not name are wanted */
  set(demand) {
    this.#demand = demand
    this.#changed = true
    if (!this.#busy) void this.#run()
  }

  async #run() {
    this.#busy = true
    for (let tries = 0; this.#changed && tries < 2;) {
      this.#changed = false
      try {
        await this.#apply()
        tries = 0
      } catch {
        // It was stopped, or a negotiation came between. The next demand will find it as it is.
        tries += 1
        this.#changed = true
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
    this.#busy = false
  }

  async #apply() {
    const parameters = this.#sender.getParameters()
    let differs = false
    for (const encoding of parameters.encodings) {
      // Without simulcast there is no RID.
      const rid = /** @type {{ rid?: string }} */ (encoding).rid || null
      const wanted = this.#demand.find(each => each.rid === rid)?.wanted ?? true
      if (encoding.active === wanted) continue
      encoding.active = wanted
      differs = true
    }
    if (differs) await this.#sender.setParameters(parameters)
  }
}
