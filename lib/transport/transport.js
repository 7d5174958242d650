'use strict'

const check = require('../object/check.js')
const { DataChannel } = require('../data-channel/data-channel.js')
const { dataChannelOptions } = require('../data-channel/data-channel-options.js')
const { emit } = require('../object/emit.js')
const { MediaLoomError, callNative } = require('../object/error.js')
const { candidateLine } = require('./ice-candidate.js')
const { kAdd, kChildren, kConstruct, kDispatcher, kHandle, kMarkClosed, kRemove } = require('../object/internal.js')
const { OutgoingStream } = require('../track/outgoing-stream.js')
const { outgoingStreamOptions } = require('../track/outgoing-stream-options.js')
const { PeerTransport } = require('./peer-transport.js')

/** Open data channels of one transport. */
const MAX_CHANNELS = 1024

/** One peer: one ICE, DTLS and SRTP association carrying any number of streams. */
class Transport extends PeerTransport {
  #dispatcher
  #options
  #signalingState = 'stable'
  /** There from the first one on. */
  #channels = null

  constructor(key, endpoint, created, options, appData) {
    super(key, endpoint, created, appData)
    this.#dispatcher = endpoint[kDispatcher]
    this.#options = options
  }

  get signalingState() {
    return this.#signalingState
  }

  get dataChannels() {
    return [...(this.#channels ?? [])]
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
    if (this.outgoingStreams.some(stream => stream.id === checked.id)) {
      throw new MediaLoomError('ERR_INVALID_ARG', `options.id: there is an outgoing stream ${checked.id} already`, {
        field: 'options.id'
      })
    }
    const stream = new OutgoingStream(kConstruct, this, checked)
    this[kAdd](stream)
    try {
      for (let count = 0; count < checked.audio; count++) stream.addTrack('audio')
      for (let count = 0; count < checked.video; count++) stream.addTrack('video')
    } catch (error) {
      stream.close()
      throw error
    }
    return stream
  }

  createDataChannel(label, options) {
    const { appData, ...checked } = dataChannelOptions(label, options)
    check.open(this)
    if (this.#channels?.size >= MAX_CHANNELS) {
      throw new MediaLoomError('ERR_LIMIT', `a transport has at most ${MAX_CHANNELS} data channels`)
    }
    const id = callNative(() => this.#dispatcher.native.createChannel(this.id, checked))
    return this.#addChannel(id, checked, 'connecting', appData)
  }

  [kHandle](event) {
    switch (event.type) {
      case 'negotiationNeeded':
        emit(this, 'negotiationneeded')
        break
      case 'channelAnnounced':
        emit(this, 'datachannel', this.#addChannel(event.channel, event.options, 'open'))
        break
      default:
        super[kHandle](event)
    }
  }

  [kChildren]() {
    return [...super[kChildren](), ...this.dataChannels]
  }

  [kMarkClosed]() {
    super[kMarkClosed]()
    this.#signalingState = 'closed'
  }

  [kRemove](child) {
    if (child instanceof DataChannel) this.#channels?.delete(child)
    else super[kRemove](child)
  }

  #addChannel(id, options, readyState, appData) {
    const channel = new DataChannel(kConstruct, this, { ...options, id, readyState, appData }, this.#options)
    this.#channels ??= new Set()
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
}

module.exports = { Transport }
