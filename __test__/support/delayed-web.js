'use strict'

const net = require('node:net')
const { once } = require('node:events')
const { Arrivals } = require('./link.js')

/**
 * Stands between pages and a web server on this machine: what either side sends comes `delay`
 * milliseconds later, in order. Connections themselves are there at once, as those of a page are
 * that is open already.
 */
class DelayedWeb {
  #server
  #sockets = new Set()
  delay = 0

  /** @param {string} url of the web server */
  static async start(t, url) {
    const web = new DelayedWeb(Number(new URL(url).port))
    web.#server.listen(0, '127.0.0.1')
    await once(web.#server, 'listening')
    t.after(() => web.close())
    return web
  }

  constructor(port) {
    this.#server = net.createServer({ allowHalfOpen: true }, client => {
      const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      this.#pipe(client, upstream)
      this.#pipe(upstream, client)
    })
  }

  /** Where pages find it. */
  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`
  }

  close() {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pipe(from, to) {
    const arrivals = new Arrivals(bytes => (bytes ? to.write(bytes) : to.end()))
    const pass = bytes => arrivals.add(performance.now() + this.delay, bytes)
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', pass).on('end', () => pass(null))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (from.errored) arrivals.close()
    })
  }
}

module.exports = { DelayedWeb }
