'use strict'

const check = require('../object/check.js')
const { announce, close, mark } = require('../object/closing.js')
const { emit, emitError } = require('../object/emit.js')
const { MediaLoomError, callNative, fromNative } = require('../object/error.js')
const { kDispatcher, kForget, kForwarded, kHandle, kMarkClosed, kRemove } = require('../object/internal.js')
const { hooks } = require('../object/hooks.js')
const { MediaObject } = require('../object/media-object.js')

/** A data channel (RFC 8831). */
class DataChannel extends MediaObject {
  /** @this {DataChannel} */
  static #added(event) {
    if (event === 'message') this.#listen(true)
  }

  /** @this {DataChannel} */
  static #removed() {
    this.#listen(this.#wanted)
  }

  static {
    hooks.add(DataChannel.#added)
    hooks.add(DataChannel.#removed)
  }

  #transport
  #options
  #limits
  #readyState
  /** Bytes given to `send()` altogether. */
  #sent = 0
  /** How many of those the engine has seen, and how many of the seen ones are not acknowledged. */
  #accepted = 0
  #unacknowledged = 0
  #lowThreshold = 0
  #source = null
  /** Channels that send on what arrives here. */
  #forwardedBy = new Set()
  /** Whether the engine hands messages to JavaScript. */
  #listening = true

  constructor(key, transport, options, limits) {
    super(key, options?.id, options?.appData)
    this.#transport = transport
    this.#options = options
    this.#limits = limits
    this.#readyState = options.readyState
    this[kDispatcher].add(this.id, this)
    this.on('newListener', DataChannel.#added)
    this.on('removeListener', DataChannel.#removed)
  }

  get [kDispatcher]() {
    return this.#transport[kDispatcher]
  }

  get transport() {
    return this.#transport
  }

  get label() {
    return this.#options.label
  }

  get protocol() {
    return this.#options.protocol
  }

  get ordered() {
    return this.#options.ordered
  }

  get maxRetransmits() {
    return this.#options.maxRetransmits ?? null
  }

  get maxPacketLifeTime() {
    return this.#options.maxPacketLifeTime ?? null
  }

  get readyState() {
    return this.#readyState
  }

  get bufferedAmount() {
    return this.#unacknowledged + (this.#sent - this.#accepted)
  }

  get bufferedAmountLowThreshold() {
    return this.#lowThreshold
  }

  set bufferedAmountLowThreshold(threshold) {
    check.integer(threshold, 'bufferedAmountLowThreshold', 0, Number.MAX_SAFE_INTEGER)
    check.open(this)
    this.#command((native, transport) => native.setBufferedAmountLow(transport, this.id, threshold))
    this.#lowThreshold = threshold
  }

  send(data) {
    const text = typeof data === 'string'
    const bytes = text ? null : toBytes(data)
    check.open(this)
    const size = text ? Buffer.byteLength(data) : bytes.length
    // It would travel as one zero byte of a payload protocol of its own (RFC 8831 6.6), which the
    // SCTP below cannot send: the peer would wait for it for ever.
    if (size === 0) throw check.invalid('data', 'a message that is not empty', data)
    const { maxMessageSize, maxBufferedAmount } = this.#limits
    if (size > maxMessageSize) {
      throw new MediaLoomError('ERR_MESSAGE_TOO_LARGE', `a message has at most ${maxMessageSize} bytes, this one ${size}`)
    }
    if (this.bufferedAmount + size > maxBufferedAmount) {
      throw new MediaLoomError('ERR_QUEUE_FULL', `${this.bufferedAmount} bytes wait already; send on after the event 'bufferedamountlow'`)
    }
    this.#command((native, transport) => (text ? native.sendText(transport, this.id, data) : native.sendBinary(transport, this.id, bytes)))
    this.#sent += size
  }

  attachTo(source) {
    if (!(source instanceof DataChannel)) throw check.invalid('source', 'a DataChannel', source)
    check.open(this)
    check.open(source)
    if (source === this || source.transport.endpoint !== this.#transport.endpoint) {
      throw new MediaLoomError('ERR_INVALID_ARG', 'source: expected another channel of the same endpoint', {
        field: 'source'
      })
    }
    this.#command((native, transport) => native.attachChannel(transport, this.id, source.id))
    this.#source?.[kForwarded](this, false)
    this.#source = source
    source[kForwarded](this, true)
  }

  detach() {
    check.open(this)
    if (!this.#source) return
    this.#command((native, transport) => native.detachChannel(transport, this.id))
    this.#source[kForwarded](this, false)
    this.#source = null
  }

  close() {
    close(this, dispatcher => dispatcher.insist(native => native.closeChannel(this.#transport.id, this.id)))
  }

  [Symbol.dispose]() {
    this.close()
  }

  [kHandle](event) {
    switch (event.type) {
      case 'channelOpen':
        if (this.#readyState === 'open') break
        this.#readyState = 'open'
        emit(this, 'open')
        break
      case 'channelMessage':
        emit(this, 'message', event.data)
        break
      case 'channelBufferedAmount':
        this.#unacknowledged = event.amount
        this.#accepted = event.accepted
        break
      case 'channelBufferedAmountLow':
        emit(this, 'bufferedamountlow')
        break
      case 'channelError':
        emitError(this, fromNative(event.error))
        break
      case 'channelClosed':
        announce(mark(this, event.reason))
        break
    }
  }

  [kMarkClosed]() {
    super[kMarkClosed]()
    this.#readyState = 'closed'
  }

  [kForget]() {
    this.#source?.[kForwarded](this, false)
    this.#source = null
    this[kDispatcher].remove(this.id)
    this.#transport[kRemove](this)
  }

  [kForwarded](by, forwarded) {
    if (forwarded) this.#forwardedBy.add(by)
    else this.#forwardedBy.delete(by)
    this.#listen(this.#wanted)
  }

  /** A channel that is only forwarded needs no JavaScript. */
  get #wanted() {
    return this.#forwardedBy.size === 0 || this.listenerCount('message') > 0
  }

  #listen(wanted) {
    if (wanted === this.#listening || this.closed) return
    this.#listening = wanted
    this[kDispatcher].insist(native => native.listenChannel(this.#transport.id, this.id, wanted))
  }

  #command(post) {
    callNative(() => post(this[kDispatcher].native, this.#transport.id))
  }
}

/** The bytes of binary data. Shared memory is copied: another thread may be writing to it. */
function toBytes(data) {
  const { buffer, byteOffset = 0, byteLength } = ArrayBuffer.isView(data) ? data : { buffer: data, byteLength: data?.byteLength }
  if (buffer instanceof SharedArrayBuffer) return Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength))
  if (!(buffer instanceof ArrayBuffer)) throw check.invalid('data', 'a string, an ArrayBuffer or a view of one', data)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

module.exports = { DataChannel }
