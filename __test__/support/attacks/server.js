'use strict'

/**
 * An endpoint of one media thread in a process of its own, so that neither the measure of its
 * neighbours nor the attack takes its JavaScript's time.
 */

const { Endpoint } = require('../../..')
const { Audience } = require('../../../bench/audience.js')
const { block } = require('../events.js')
const { serve } = require('../clients/serve.js')
const { hostOf } = require('./host.js')

const GROUP = 'neighbours'

let endpoint, host
const rtp = []
const audience = new Audience(() => endpoint.createTransport())
const onHost =
  method =>
  (...args) =>
    host.call(method, ...args)

serve({
  async open() {
    endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
    endpoint.ref()
    host = hostOf(endpoint, client => audience.transportOf(GROUP, client))
    return endpoint.addresses
  },
  joinAudience: offer => audience.join(GROUP, offer),
  join: onHost('join'),
  accept: onHost('accept'),
  trickle: onHost('trickle'),
  state: onHost('state'),
  fate: onHost('fate'),
  /** A transport of plain RTP that anybody may send to, with somebody who takes what comes. Gives its port. */
  async openRtp(options) {
    const video = { codecs: [{ name: 'h264', payloadType: 96 }], rtcpMux: true, ...options }
    const input = await endpoint.createRtpTransport({ video })
    const remote = { address: '127.0.0.1', port: 9 }
    const output = await endpoint.createRtpTransport({ video: { codecs: video.codecs, direction: 'sendonly', remote } })
    output.outgoingTracks[0].attachTo(input.incomingTracks[0])
    rtp.push(input)
    return input.ports[0].port
  },
  /** What the last of them counted. */
  async rtpStats() {
    const { packetsReceived, packetsRefused } = await rtp.at(-1).getStats()
    return { packetsReceived, packetsRefused }
  },
  /** Keeps JavaScript from doing anything else. */
  block: milliseconds => block(milliseconds),
  memory: () => process.memoryUsage.rss()
})
