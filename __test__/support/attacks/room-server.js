'use strict'

/** The room server of the examples, on one media thread, in a process of its own. */

const { serve } = require('../clients/serve.js')

serve({
  async open() {
    const { startRoomServer } = await import('../../../examples/room-server/room-server.js')
    const { url } = await startRoomServer({ port: 0, host: '127.0.0.1', endpoint: { listen: [{ ip: '127.0.0.1' }], threads: 1 }, iceServers: [], open: true })
    return url
  }
})
