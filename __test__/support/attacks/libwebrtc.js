'use strict'

/** A libwebrtc that takes part with a channel, and then attacks. */

const { RTCPeerConnection } = require('@roamhq/wrtc')
const { serve } = require('../clients/serve.js')
const { pace } = require('./pace.js')

let connection, first, stop
let channels = []

const ATTACKS = {
  'openings of channels': n => channels.push(connection.createDataChannel(`channel ${n}`)),
  'channels that open and close': n => {
    channels.push(connection.createDataChannel(`channel ${n}`))
    if (channels.length > 100) channels.shift().close()
  }
}

serve({
  /** Each time as somebody else. */
  async start() {
    connection?.close()
    channels = []
    connection = new RTCPeerConnection({ iceServers: [] })
    first = connection.createDataChannel('first')
    await connection.setLocalDescription(await connection.createOffer())
    while (connection.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
    return connection.localDescription.sdp
  },
  async acceptAnswer(sdp) {
    await connection.setRemoteDescription({ type: 'answer', sdp })
    while (first.readyState !== 'open') await new Promise(resolve => setTimeout(resolve, 10))
  },
  attack(name, perSecond) {
    stop = pace(perSecond, n => {
      try {
        ATTACKS[name](n)
      } catch {
        // It has as many as it can have, or the other side has ended the association.
      }
    })
  },
  stop: () => stop(),
  leave: () => connection.close()
})
