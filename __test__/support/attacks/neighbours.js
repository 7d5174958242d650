'use strict'

const { Load } = require('../../../bench/load.js')

/** So that each picture is one packet of the publisher's 30 a second. */
const KILOBITS = 240
const VIEWERS = 2
/** Time for the keyframes and probes of joining to pass. */
const SETTLING = 700

/**
 * An honest publisher and its viewers: clients of the load generator in one process, which measures
 * by the times at which the kernel took what came.
 */
class Neighbours {
  #load

  /**
   * @param {string} program the load generator
   * @param {(offer: object) => Promise<string>} answer gives the answer to an offer of a client
   * @param {object} [how] `clients` in place of the usual ones, for servers that wire them by themselves
   */
  static async join(t, program, answer, { clients = usualClients() } = {}) {
    const neighbours = new Neighbours()
    neighbours.#load = new Load(program, 'clients', {
      clients,
      address: '127.0.0.1',
      leaders: 1,
      concurrent_joins: 1,
      patience_seconds: 30
    })
    t.after(() => neighbours.#load.kill())
    const load = neighbours.#load
    for (;;) {
      const report = await load.next()
      if (report.type === 'ready') break
      const { hears = [], sees = [] } = clients[report.client]
      load.tell({ type: 'answer', client: report.client, sdp: await answer({ ...report, hears, sees }) })
    }
    await new Promise(resolve => setTimeout(resolve, SETTLING))
    return neighbours
  }

  get pid() {
    return this.#load.pid
  }

  /** What viewers get in the next so many milliseconds: frames a second of 30, and latencies. */
  async measure(milliseconds) {
    this.#load.tell({ type: 'measure', milliseconds })
    const { expected, received, latency } = await this.#load.next()
    return { share: expected > 0 ? received / expected : 0, p50: latency.p50 / 1000, p95: latency.p95 / 1000 }
  }
}

function usualClients() {
  return [{ video: { kilobits: KILOBITS } }, ...Array.from({ length: VIEWERS }, () => ({ sees: [0] }))]
}

module.exports = { KILOBITS, Neighbours }
