import { z } from 'zod'
import { TokenBucket } from './token-bucket.js'

/** The label of the data channel that carries chat. */
export const CHAT_LABEL = 'chat'

/** Passes chat messages of one room on from each participant's data channel to everyone else's. */
export class Chat {
  #limits
  #schema
  /** @type {Map<import('medialoom').DataChannel, import('medialoom/rooms').Participant>} */
  #channels = new Map()

  /** @param {import('./limits.js').Limits} limits */
  constructor(limits) {
    this.#limits = limits
    this.#schema = z.object({ text: z.string().trim().min(1).max(limits.maxChatLength) })
  }

  /**
   * @param {import('medialoom/rooms').Participant} participant
   * @param {import('medialoom').DataChannel} channel
   */
  add(participant, channel) {
    const bucket = new TokenBucket({ perSecond: this.#limits.chatsPerSecond, burst: this.#limits.chatBurst })
    this.#channels.set(channel, participant)
    channel.on('closed', () => this.#channels.delete(channel))
    channel.on('error', () => {})
    channel.on('message', data => {
      if (!bucket.take()) {
        deliver(channel, { error: 'You are writing faster than the others can read. The message was not sent.' })
        return
      }
      const { canPublishData, hidden } = participant.permissions
      if (!canPublishData || hidden) {
        deliver(channel, { error: 'You may not write in this room.' })
        return
      }
      const text = this.#read(data)
      if (text === null) {
        deliver(channel, { error: `A message is JSON with a text of 1 to ${this.#limits.maxChatLength} characters.` })
        return
      }
      const line = { from: participant.id, name: participant.name, text, time: Date.now() }
      for (const other of this.#channels.keys()) if (other !== channel) deliver(other, line)
    })
  }

  /** @param {string | Buffer} data */
  #read(data) {
    if (typeof data !== 'string') return null
    try {
      return this.#schema.parse(JSON.parse(data)).text
    } catch {
      return null
    }
  }
}

/**
 * @param {import('medialoom').DataChannel} channel
 * @param {object} message
 */
function deliver(channel, message) {
  try {
    channel.send(JSON.stringify(message))
  } catch {
    // Closed, or full because its reader does not read: the others must not wait for it.
  }
}
