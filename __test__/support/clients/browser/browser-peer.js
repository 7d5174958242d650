'use strict'

const { setTimeout: delay } = require('node:timers/promises')
const { connected } = require('../../loopback.js')
const { until } = require('../../events.js')

/** As many packets as come within a second, for `arrives`. */
const SOME = { audio: 25, video: 10 }

/** A connection in a page, and the transport it is connected to once it has negotiated. */
class BrowserPeer {
  #page

  /** @param {object} options of the page's `open` */
  static async open(t, page, name, options = {}) {
    const peer = new BrowserPeer(page, name)
    await peer.call('open', options)
    // The page may be gone with its browser.
    t.after(() => peer.call('close').catch(() => {}))
    return peer
  }

  constructor(page, name) {
    this.#page = page
    this.name = name
  }

  /** A method of the page's `client` on this connection. */
  call(method, ...rest) {
    return this.#page.evaluate(([name, args]) => globalThis.client[name](...args), [method, [this.name, ...rest]])
  }

  /**
   * The page offers and the transport answers. What is changed on the way is no business of either:
   * `offer` and `answer` say how.
   */
  async offerTo(transport, { munge = [], offer = sdp => sdp, answer = sdp => sdp } = {}) {
    const offered = offer(await this.call('offer', munge))
    const answered = await transport.acceptOffer(offered)
    await this.call('acceptAnswer', answer(answered))
    return { offered, answered }
  }

  /** The transport offers and the page answers. */
  async answerTo(transport) {
    const offered = await transport.createOffer()
    await transport.acceptAnswer(await this.call('acceptOffer', offered))
  }

  /**
   * Whether media leaves it. A track of Firefox that hears of the end of its old transport before it
   * hears of the new one is not sent any more, for good, while its statistics go on counting
   * (MediaPipeline::CheckTransportStates). Which comes first is chance, and nobody else's business.
   */
  async sends() {
    const TO_CONNECT = 500
    const TO_SEND = 1_000
    await delay(TO_CONNECT)
    const before = await this.call('sent')
    await delay(TO_SEND)
    const now = await this.call('sent')
    return now.left - before.left > (now.encoded - before.encoded) / 2
  }

  /** Waits until so many more frames were decoded, and so many more packets of sound came. */
  async decodes({ frames = 0, soundPackets = 0 }, what) {
    const before = await this.call('received')
    return until(
      async () => {
        const now = await this.call('received')
        return now.frames >= before.frames + frames && now.soundPackets >= before.soundPackets + soundPackets && now
      },
      what,
      10_000
    )
  }
}

/** Waits until so many more packets of each kind of track have come to a transport that is connected. */
async function arrives(transport, wanted, what) {
  await connected(transport)
  const count = async () => {
    const packets = { audio: 0, video: 0 }
    for (const { kind, encodings } of (await transport.getStats()).incomingTracks) {
      for (const { packetsReceived } of encodings) packets[kind] += packetsReceived
    }
    return packets
  }
  const before = await count()
  await until(
    async () => {
      const now = await count()
      return Object.entries(wanted).every(([kind, packets]) => now[kind] >= before[kind] + packets)
    },
    what,
    15_000
  )
}

module.exports = { BrowserPeer, SOME, arrives }
