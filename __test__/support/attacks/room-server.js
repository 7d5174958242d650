'use strict'

/** The room server of the examples, on one media thread, in a process of its own. */

const { serve } = require('../clients/serve.js')

serve({
  /** @param {object} [config] what is not as in the other tests */
  async open(config = {}) {
    const { startRoomServer } = await import('../../../examples/room-server/room-server.js')
    const { url } = await startRoomServer({
      port: 0,
      host: '127.0.0.1',
      endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 },
      iceServers: [],
      open: true,
      // One address that sends too much is read more slowly: here it is to do its worst.
      limits: { addressByteBurst: 1e9 },
      ...config
    })
    return url
  },

  /** Microseconds that this process has worked, whatever else the machine did meanwhile. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  }
})
