'use strict'

const check = require('../object/check.js')
const { announce, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { callNative, fromNative } = require('../object/error.js')
const {
  kAdd,
  kAnnounceClosed,
  kChildren,
  kConstruct,
  kDispatcher,
  kForget,
  kHandle,
  kMarkClosed,
  kRemove
} = require('../object/internal.js')
const { IncomingStream } = require('../track/incoming-stream.js')
const { IncomingTrack } = require('../track/incoming-track.js')
const { MediaObject } = require('../object/media-object.js')
const { OutgoingStream } = require('../track/outgoing-stream.js')
const { MAX_BITRATE } = require('../track/preferences.js')
const { whileListened } = require('../object/while-listened.js')

const listenBandwidth = whileListened('bandwidth', (transport, wanted) => {
  transport[kDispatcher].insist(native => native.listenBandwidth(transport.id, wanted))
})

/** What transports have in common, however their peer is found: tracks both ways, and an end. */
class PeerTransport extends MediaObject {
  #endpoint
  #dispatcher
  #thread
  #state = 'new'
  #incomingStreams = new Map()
  #outgoingStreams = new Map()
  #closing

  constructor(key, endpoint, created, appData) {
    super(key, created?.id, appData)
    this.#endpoint = endpoint
    this.#dispatcher = endpoint[kDispatcher]
    this.#thread = created.thread
    this.#dispatcher.add(this.id, this)
    listenBandwidth(this)
  }

  get [kDispatcher]() {
    return this.#dispatcher
  }

  get endpoint() {
    return this.#endpoint
  }

  get state() {
    return this.#state
  }

  get thread() {
    return this.#thread
  }

  get incomingStreams() {
    return [...this.#incomingStreams.values()]
  }

  get incomingTracks() {
    return this.incomingStreams.flatMap(stream => stream.tracks)
  }

  get outgoingStreams() {
    return [...this.#outgoingStreams.values()]
  }

  get outgoingTracks() {
    return this.outgoingStreams.flatMap(stream => stream.tracks)
  }

  setMaxBitrate(bitrate) {
    if (bitrate !== null) check.integer(bitrate, 'bitrate', 1, MAX_BITRATE)
    check.open(this)
    callNative(() => this.#dispatcher.native.setMaxBitrate(this.id, bitrate ?? undefined))
  }

  setMaxIncomingBitrate(bitrate) {
    if (bitrate !== null) check.integer(bitrate, 'bitrate', 1, MAX_BITRATE)
    check.open(this)
    callNative(() => this.#dispatcher.native.setMaxIncomingBitrate(this.id, bitrate ?? undefined))
  }

  async getStats() {
    check.open(this)
    return JSON.parse(await this.#dispatcher.request(this, (engine, request) => engine.stats(request, this.id)))
  }

  close() {
    this.#closing ??= this.closed
      ? Promise.resolve()
      : new Promise(resolve => {
          const marked = mark(this, 'closed')
          const done = () => {
            announce(marked)
            resolve(undefined)
          }
          // Whatever the answer, it is closed.
          const ask = () => this.#dispatcher.ask(this, (engine, request) => engine.closeTransport(this.id, request), done)
          this.#dispatcher.insist(ask, done)
        })
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'transportState':
        // `closed` is said once, together with the reason.
        if (event.state === 'closed' || event.state === this.#state) break
        this.#state = event.state
        emit(this, 'state', event.state)
        break
      case 'bandwidth':
        emit(this, 'bandwidth', Object.freeze(event.report))
        break
      case 'transportError':
        emitError(this, fromNative(event.error))
        break
      case 'transportClosed':
        announce(mark(this, event.reason))
        break
      case 'incomingTrack':
        this.#addIncomingTrack(event.track)
        break
    }
  }

  [kChildren]() {
    return [...this.#incomingStreams.values(), ...this.#outgoingStreams.values()]
  }

  [kMarkClosed]() {
    super[kMarkClosed]()
    this.#state = 'closed'
  }

  [kForget]() {
    this.#dispatcher.remove(this.id)
    this.#endpoint[kRemove](this)
    this.#dispatcher.rejectRequests(this)
  }

  [kAnnounceClosed](reason) {
    emit(this, 'state', 'closed')
    super[kAnnounceClosed](reason)
  }

  [kAdd](stream) {
    this.#outgoingStreams.set(stream.id, stream)
  }

  [kRemove](child) {
    if (child instanceof IncomingStream) this.#incomingStreams.delete(child.id)
    else if (child instanceof OutgoingStream) this.#outgoingStreams.delete(child.id)
  }

  #addIncomingTrack(info) {
    let stream = this.#incomingStreams.get(info.stream)
    if (!stream) {
      stream = new IncomingStream(kConstruct, this, info.stream)
      this.#incomingStreams.set(stream.id, stream)
    }
    const track = new IncomingTrack(kConstruct, stream, info)
    stream[kAdd](track)
    emit(this, 'track', track, stream)
  }
}

module.exports = { PeerTransport }
