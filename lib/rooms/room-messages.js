'use strict'

const { RoomError } = require('./room-error.js')
const { TokenBucket } = require('./token-bucket.js')

/** Characters of a message, and of its topic. */
const MAX_LENGTH = 16_384
const MAX_TOPIC = 64
/** Participants that a message may name; one that names none is for everyone. */
const MAX_RECIPIENTS = 100
/** Messages of one participant, a second and at once. */
const RATE = { perSecond: 5, burst: 20 }
/**
 * What a room hands out, a second and at once, counted in recipients: a message to all of a large
 * room costs as much as thousands to one.
 */
const DELIVERIES = { perSecond: 10_000, burst: 50_000 }

/** Messages between the participants of one room, and to them. */
class RoomMessages {
  #room
  #deliveries = new TokenBucket(DELIVERIES)
  /** @type {WeakMap<import('./participant.js').Participant, TokenBucket>} */
  #rates = new WeakMap()

  /** @param {import('./room.js').Room} room */
  constructor(room) {
    this.#room = room
  }

  /**
   * @param {import('./participant.js').Participant | null} from null: the application
   * @param {import('./index.js').OutgoingMessage} given
   * @returns {number} how many it went to
   */
  send(from, given) {
    const { data, topic, to } = checkMessage(given)
    if (from) this.#checkSender(from)
    const recipients = this.#recipients(to).filter(each => each !== from)
    // The application knows what it does; participants are held to what the room can bear.
    if (from && !this.#deliveries.take(recipients.length)) {
      throw new RoomError('ERR_RATE_LIMIT', 'the room has more messages than it can pass on; wait some seconds')
    }
    const message = Object.freeze({ from, topic, data })
    for (const participant of recipients) participant.emit('message', message)
    this.#room.emit('message', message, recipients)
    return recipients.length
  }

  /** @param {import('./participant.js').Participant} from */
  #checkSender(from) {
    const { canPublishData, hidden } = from.permissions
    if (!canPublishData || hidden) throw new RoomError('ERR_FORBIDDEN', 'you may not send messages in this room')
    let rate = this.#rates.get(from)
    if (!rate) this.#rates.set(from, (rate = new TokenBucket(RATE)))
    if (!rate.take()) throw new RoomError('ERR_RATE_LIMIT', 'you send messages too fast; wait some seconds')
  }

  /** @param {readonly string[] | null} to */
  #recipients(to) {
    if (to === null) return this.#room.participants
    return [...new Set(to)].flatMap(id => this.#room.get(id) ?? [])
  }
}

/**
 * @param {import('./index.js').OutgoingMessage} given
 * @returns {{ data: string, topic: string | null, to: string[] | null }}
 */
function checkMessage(given) {
  const { data, topic = null, to = null } = given ?? {}
  if (typeof data !== 'string' || data.length > MAX_LENGTH) {
    throw invalid('data', `a message is a string of at most ${MAX_LENGTH} characters`)
  }
  if (topic !== null && (typeof topic !== 'string' || topic.length > MAX_TOPIC)) {
    throw invalid('topic', `a topic is a string of at most ${MAX_TOPIC} characters`)
  }
  if (to === null) return { data, topic, to: null }
  const recipients = /** @type {(import('./participant.js').Participant | string)[]} */ ([to].flat())
  if (recipients.length > MAX_RECIPIENTS) throw invalid('to', `a message names at most ${MAX_RECIPIENTS} participants`)
  return { data, topic, to: recipients.map(each => (typeof each === 'string' ? each : each?.id)) }
}

/**
 * @param {string} field
 * @param {string} rule
 */
function invalid(field, rule) {
  return new RoomError('ERR_INVALID_ARG', rule, { field })
}

exports.RoomMessages = RoomMessages
