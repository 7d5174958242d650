'use strict'

const { MediaLoomError, callNative, fromNative } = require('../object/error.js')
const { kHandle } = require('../object/internal.js')
const { KeepAlive } = require('./keep-alive.js')

/** Milliseconds until a command is posted again that found the queue full. */
const RETRY_DELAY = 10
/** Largest request number: it crosses as an unsigned 32-bit integer. */
const MAX_REQUEST = 2 ** 32 - 1

/** Events that bring a new object, to which whoever awaited it has yet to add listeners. */
const ARRIVALS = new Set(['incomingTrack', 'channelAnnounced', 'inputAsks', 'inputTrack'])

/**
 * Brings the engine's events to the objects they concern and its replies to those who asked, in
 * the order in which they happened.
 */
class Dispatcher {
  #native
  #objects = new Map()
  #requests = new Map()
  #lastRequest = 0
  #queue = []
  #head = 0
  #running = false
  #keepAlive = new KeepAlive(this)

  /** Called once, when there is something to ring for. */
  start(native) {
    this.#native = native
  }

  get native() {
    return this.#native
  }

  add(id, object) {
    this.#objects.set(id, object)
  }

  find(id) {
    return this.#objects.get(id)
  }

  remove(id) {
    this.#objects.delete(id)
  }

  /** Keeps the endpoint and the process alive until released as often as held. */
  hold() {
    this.#keepAlive.hold()
  }

  release() {
    this.#keepAlive.release()
  }

  /**
   * Asks the engine. `post` gets the native endpoint and the number of the request; `settle` is
   * called with the reply once everything that happened before it was dispatched.
   */
  ask(owner, post, settle) {
    const request = this.#nextRequest()
    callNative(() => post(this.#native, request))
    this.#requests.set(request, { owner, settle })
    this.hold()
  }

  /** Asks the engine; the promise settles with the reply. */
  request(owner, post) {
    return new Promise((resolve, reject) => {
      this.ask(owner, post, (error, value) => (error ? reject(error) : resolve(value)))
    })
  }

  /**
   * Posts what must get through, as closing must: it waits while the queue of commands is full.
   * When the engine is gone there is nothing left to tell it; `gone` is called instead.
   */
  insist(post, gone = () => {}) {
    try {
      callNative(() => post(this.#native))
    } catch (error) {
      if (error.code === 'ERR_QUEUE_FULL') setTimeout(() => this.insist(post, gone), RETRY_DELAY)
      else this.later(gone)
    }
  }

  /** Answers for the engine what is still open: the object closed. */
  rejectRequests(owner) {
    this.rejectRequestsOf(other => other === owner)
  }

  /** The engine is gone and answers nothing more. */
  rejectAll() {
    this.rejectRequestsOf(() => true)
  }

  /** Answers for the engine what is asked of objects that it lost. */
  rejectRequestsOf(isOwner) {
    for (const [request, { owner }] of [...this.#requests]) {
      if (this.#requests.has(request) && isOwner(owner)) {
        this.#settle(request, new MediaLoomError('ERR_CLOSED', 'closed before the engine answered'))
      }
    }
  }

  /** Runs `action` after the events that are queued already, never before the caller returns. */
  later(action) {
    this.#queue.push(action)
    if (!this.#running) {
      this.#running = true
      process.nextTick(() => this.#run())
    }
  }

  /** Takes what the engine has. */
  drain() {
    for (const event of this.#native.drain()) this.#queue.push(event)
    if (!this.#running) this.#run()
  }

  #run() {
    this.#running = true
    while (this.#head < this.#queue.length) {
      const awaited = this.#dispatch(this.#queue[this.#head++])
      if (awaited && this.#head < this.#queue.length) {
        // Whoever awaited it comes first, to add the listeners for what follows.
        setImmediate(() => this.#run())
        return
      }
    }
    this.#queue = []
    this.#head = 0
    this.#running = false
  }

  /** Returns whether it was something that somebody may have awaited. */
  #dispatch(entry) {
    try {
      if (typeof entry === 'function') entry()
      else if (entry.type === 'reply') return this.#reply(entry)
      else this.#objects.get(entry.id)?.[kHandle](entry)
      return ARRIVALS.has(entry.type)
    } catch (error) {
      // Nothing here should throw; if it does, the events after it must not suffer.
      process.nextTick(() => {
        throw error
      })
    }
    return false
  }

  #reply({ request, error, value }) {
    if (!this.#requests.has(request)) return false
    this.#settle(request, error ? fromNative(error) : null, value)
    return true
  }

  #settle(request, error, value) {
    const { settle } = this.#requests.get(request)
    this.#requests.delete(request)
    this.release()
    settle(error, value)
  }

  #nextRequest() {
    do {
      this.#lastRequest = this.#lastRequest < MAX_REQUEST ? this.#lastRequest + 1 : 1
    } while (this.#requests.has(this.#lastRequest))
    return this.#lastRequest
  }
}

module.exports = { Dispatcher }
