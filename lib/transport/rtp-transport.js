'use strict'

const check = require('../object/check.js')
const { emit } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const { kAdd, kConstruct, kDispatcher, kHandle } = require('../object/internal.js')
const { OutgoingStream } = require('../track/outgoing-stream.js')
const { PeerTransport } = require('./peer-transport.js')
const { rtpOptions } = require('./rtp-options.js')
const { playing } = require('./rtp-sdp.js')

/** All that one transport sends is played in step. */
const STREAM = 'rtp'
/** What may be said anew of a line. */
const CHANGEABLE = ['direction', 'codecs', 'telephoneEvents', 'red', 'remote', 'ssrc', 'feedback', 'reducedSize', 'srtp']

/** A peer of plain RTP: ports and addresses instead of negotiation. */
class RtpTransport extends PeerTransport {
  #dispatcher
  #media
  #ports
  #options
  #stalled = false

  constructor(key, endpoint, created, options, appData) {
    super(key, endpoint, created, appData)
    const ports = [...created.ports]
    this.#dispatcher = endpoint[kDispatcher]
    this.#options = options
    this.#media = options.media.map((line, index) => {
      const own = ports.splice(0, options.engine.media[index].ports.length)
      const given = options.engine.media[index]
      const named = own.map((port, place) => Object.freeze({ ...port, rid: given.ports[place].rid }))
      return { ...line, rtcpMux: given.ports[0].rtcpMux, feedback: given.feedback, ports: named, source: null }
    })
    this.#ports = Object.freeze(this.#media.flatMap(({ kind, ports }) => ports.map(port => Object.freeze({ kind, ...port }))))
    this.#addOutgoing()
  }

  get ports() {
    return this.#ports
  }

  get stalled() {
    return this.#stalled
  }

  get cname() {
    return this.#options.engine.cname
  }

  get sdp() {
    return playing(this.#media)
  }

  async update(given) {
    const changes = check.options(given ?? null, 'options', ['audio', 'video'])
    check.open(this)
    const merged = { ...this.#options.given }
    for (const kind of ['audio', 'video']) {
      if (changes[kind] === undefined) continue
      const { direction, codecs, telephoneEvents, red, remote, ssrc, feedback, reducedSize, srtp } = check.options(
        changes[kind],
        `options.${kind}`,
        CHANGEABLE
      )
      const said = { direction, codecs, telephoneEvents, red, remote, ssrc, feedback, reducedSize, srtp }
      merged[kind] = { ...merged[kind], ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) }
    }
    // A key of this side that nobody named stays what it is.
    for (const { kind, srtp } of this.#media) {
      const own = srtp.send && Buffer.from(srtp.send.key, 'hex').toString('base64')
      const named = merged[kind]?.srtp
      if (own && named && named.suite === srtp.send.suite) merged[kind] = { ...merged[kind], srtp: { sendKey: own, ...named } }
    }
    const options = await rtpOptions(merged, sdp => callNative(() => this.#dispatcher.native.readAnnouncement(sdp)))
    check.open(this)
    try {
      const json = JSON.stringify(options.engine)
      await this.#dispatcher.request(this, (engine, request) => engine.updateRtpTransport(this.id, request, json))
    } catch (error) {
      throw options.named(error)
    }
    this.#options = { ...options, engine: { ...options.engine, cname: this.cname } }
    for (const [index, line] of options.media.entries()) {
      Object.assign(this.#media[index], line, { feedback: options.engine.media[index].feedback })
      if (line.remote) this.#media[index].source = null
    }
    this.#addOutgoing()
  }

  /** A track for each line that sends and has none. */
  #addOutgoing() {
    const kinds = new Set(this.outgoingTracks.map(({ kind }) => kind))
    const sent = this.#media.filter(({ direction, kind }) => direction !== 'recvonly' && !kinds.has(kind))
    if (sent.length === 0) return
    let [stream] = this.outgoingStreams
    if (!stream) {
      stream = new OutgoingStream(kConstruct, this, { id: STREAM })
      this[kAdd](stream)
    }
    for (const { kind } of sent) stream.addTrack(kind)
  }

  /** What falls silent is muted for whoever takes it, as what its sender mutes. */
  #setStalled(stalled) {
    if (stalled === this.#stalled) return
    this.#stalled = stalled
    emit(this, stalled ? 'stalled' : 'resumed')
    for (const track of this.incomingTracks) track[kHandle]({ type: 'incomingTrackMuted', muted: stalled })
  }

  [kHandle](event) {
    if (event.type === 'rtpWarning') {
      emit(this, 'warning', fromNative(event.error))
      return
    }
    if (event.type !== 'rtpRemote') {
      super[kHandle](event)
      if (this.closed) return
      if (this.state === 'disconnected') this.#setStalled(true)
      else if (this.state === 'connected') this.#setStalled(false)
      return
    }
    const { media, encoding, address, port } = event
    const line = this.#media[media]
    line.source = { address, port }
    emit(this, 'remote', Object.freeze({ kind: line.kind, rid: line.ports[encoding]?.rid ?? null, address, port }))
  }
}

module.exports = { RtpTransport }
