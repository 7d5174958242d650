'use strict'

const check = require('../object/check.js')
const { announce, mark } = require('../object/closing.js')
const { DataChannel } = require('../data-channel/data-channel.js')
const { dataChannelOptions } = require('../data-channel/data-channel-options.js')
const { emit, emitError } = require('../object/emit.js')
const { MediaLoomError, callNative, fromNative } = require('../object/error.js')
const { candidateLine } = require('./ice-candidate.js')
const { IncomingStream } = require('../track/incoming-stream.js')
const { IncomingTrack } = require('../track/incoming-track.js')
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
const { MediaObject } = require('../object/media-object.js')
const { OutgoingStream } = require('../track/outgoing-stream.js')
const { outgoingStreamOptions } = require('../track/outgoing-stream-options.js')
const { MAX_BITRATE } = require('../track/preferences.js')
const { whileListened } = require('../object/while-listened.js')

/** Open data channels of one transport. */
const MAX_CHANNELS = 1024

/** One peer: one ICE, DTLS and SRTP association carrying any number of streams. */
class Transport extends MediaObject {
  #endpoint
  #dispatcher
  #thread
  #options
  #state = 'new'
  #signalingState = 'stable'
  #incomingStreams = new Map()
  #outgoingStreams = new Map()
  #channels = new Set()
  #closing

  constructor(key, endpoint, created, options, appData) {
    super(key, created?.id, appData)
    this.#endpoint = endpoint
    this.#dispatcher = endpoint[kDispatcher]
    this.#thread = created.thread
    this.#options = options
    this.#dispatcher.add(this.id, this)
    whileListened(this, 'bandwidth', wanted => {
      this.#dispatcher.insist(native => native.listenBandwidth(this.id, wanted))
    })
  }

  get endpoint() {
    return this.#endpoint
  }

  get state() {
    return this.#state
  }

  get signalingState() {
    return this.#signalingState
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

  get dataChannels() {
    return [...this.#channels]
  }

  async acceptOffer(sdp) {
    check.nonEmptyString(sdp, 'sdp')
    const answer = await this.#ask((engine, request) => engine.acceptOffer(this.id, request, sdp))
    // A pending offer of this side gave way.
    this.#signal('stable')
    return answer
  }

  async createOffer(options) {
    const { iceRestart } = check.options(options, 'options', ['iceRestart'])
    const restart = check.optional(check.boolean, iceRestart, false, 'options.iceRestart')
    const offer = await this.#ask((engine, request) => engine.createOffer(this.id, request, restart))
    this.#signal('have-local-offer')
    return offer
  }

  async acceptAnswer(sdp) {
    check.nonEmptyString(sdp, 'sdp')
    await this.#ask((engine, request) => engine.acceptAnswer(this.id, request, sdp))
    this.#signal('stable')
  }

  async rollback() {
    await this.#ask((engine, request) => engine.rollback(this.id, request))
    this.#signal('stable')
  }

  async addIceCandidate(candidate) {
    const line = candidateLine(candidate)
    await this.#ask((engine, request) => engine.addCandidate(this.id, request, line))
  }

  async acceptFragment(fragment) {
    check.nonEmptyString(fragment, 'fragment')
    return this.#ask((engine, request) => engine.acceptFragment(this.id, request, fragment))
  }

  createOutgoingStream(options) {
    const checked = outgoingStreamOptions(options)
    check.open(this)
    if (this.#outgoingStreams.has(checked.id)) {
      throw new MediaLoomError('ERR_INVALID_ARG', `options.id: there is an outgoing stream ${checked.id} already`, {
        field: 'options.id'
      })
    }
    const stream = new OutgoingStream(kConstruct, this, checked)
    this.#outgoingStreams.set(stream.id, stream)
    try {
      for (let count = 0; count < checked.audio; count++) stream.addTrack('audio')
      for (let count = 0; count < checked.video; count++) stream.addTrack('video')
    } catch (error) {
      stream.close()
      throw error
    }
    return stream
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

  createDataChannel(label, options) {
    const { appData, ...checked } = dataChannelOptions(label, options)
    check.open(this)
    if (this.#channels.size >= MAX_CHANNELS) {
      throw new MediaLoomError('ERR_LIMIT', `a transport has at most ${MAX_CHANNELS} data channels`)
    }
    const id = callNative(() => this.#dispatcher.native.createChannel(this.id, checked))
    return this.#addChannel(id, checked, 'connecting', appData)
  }

  async getStats() {
    return JSON.parse(await this.#ask((engine, request) => engine.stats(request, this.id)))
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
          const ask = () =>
            this.#dispatcher.ask(this, (engine, request) => engine.closeTransport(this.id, request), done)
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
      case 'negotiationNeeded':
        emit(this, 'negotiationneeded')
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
      case 'channelAnnounced':
        emit(this, 'datachannel', this.#addChannel(event.channel, event.options, 'open'))
        break
    }
  }

  [kChildren]() {
    return [...this.#incomingStreams.values(), ...this.#outgoingStreams.values(), ...this.#channels]
  }

  [kMarkClosed]() {
    super[kMarkClosed]()
    this.#state = 'closed'
    this.#signalingState = 'closed'
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

  [kRemove](child) {
    if (child instanceof IncomingStream) this.#incomingStreams.delete(child.id)
    else if (child instanceof OutgoingStream) this.#outgoingStreams.delete(child.id)
    else this.#channels.delete(child)
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

  #addChannel(id, options, readyState, appData) {
    const channel = new DataChannel(kConstruct, this, { ...options, id, readyState, appData }, this.#options)
    this.#channels.add(channel)
    return channel
  }

  async #ask(post) {
    check.open(this)
    return this.#dispatcher.request(this, post)
  }

  #signal(state) {
    if (!this.closed) this.#signalingState = state
  }

  get [kDispatcher]() {
    return this.#dispatcher
  }
}

module.exports = { Transport }
