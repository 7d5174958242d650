'use strict'

const { emit } = require('../object/emit.js')
const { kAdd, kConstruct, kHandle } = require('../object/internal.js')
const { OutgoingStream } = require('../track/outgoing-stream.js')
const { PeerTransport } = require('./peer-transport.js')
const { playing } = require('./rtp-sdp.js')

/** All that one transport sends is played in step. */
const STREAM = 'rtp'

/** A peer of plain RTP: ports and addresses instead of negotiation. */
class RtpTransport extends PeerTransport {
  #media
  #ports
  #cname

  constructor(key, endpoint, created, options, appData) {
    super(key, endpoint, created, appData)
    const ports = [...created.ports]
    this.#cname = options.engine.cname
    this.#media = options.media.map((line, index) => {
      const own = ports.splice(0, options.engine.media[index].ports.length)
      const given = options.engine.media[index]
      const named = own.map((port, place) => Object.freeze({ ...port, rid: given.ports[place].rid }))
      return { ...line, rtcpMux: given.ports[0].rtcpMux, feedback: given.feedback, ports: named, source: null }
    })
    this.#ports = Object.freeze(
      this.#media.flatMap(({ kind, ports }) => ports.map(port => Object.freeze({ kind, ...port })))
    )
    const sent = options.media.filter(({ direction }) => direction !== 'recvonly')
    if (sent.length > 0) {
      const stream = new OutgoingStream(kConstruct, this, { id: STREAM })
      this[kAdd](stream)
      for (const { kind } of sent) stream.addTrack(kind)
    }
  }

  get ports() {
    return this.#ports
  }

  get cname() {
    return this.#cname
  }

  get sdp() {
    return playing(this.#media)
  }

  [kHandle](event) {
    if (event.type !== 'rtpRemote') return super[kHandle](event)
    const { media, encoding, address, port } = event
    const line = this.#media[media]
    line.source = { address, port }
    emit(this, 'remote', Object.freeze({ kind: line.kind, rid: line.ports[encoding]?.rid ?? null, address, port }))
  }
}

module.exports = { RtpTransport }
