import { Participant } from './participant.js'
import { SpeakerSlots } from './speaker-slots.js'

/** @typedef {import('./participant-stream.js').ParticipantStream} Stream */

/** Everyone in the room in joining order, this page among them, and the streams that came of them. */
export class Roster {
  /** @type {Map<string, Participant>} */
  participants = new Map()
  /** What came, by stream id: before or after the server says whose it is. @type {Map<string, MediaStream>} */
  arrived = new Map()
  /** Of what came, whose it is where whoever speaks is sent. */
  slots = new SpeakerSlots(this.arrived)
  /** By participant id, of listeners too. @type {Map<string, { id: string, name: string, since: number }>} */
  #hands = new Map()
  #media
  #context

  /**
   * @param {object} parts
   * @param {import('./local-media.js').LocalMedia} parts.media
   * @param {import('./downlink.js').Downlink} parts.downlink
   * @param {import('./encryption.js').Encryption | null} parts.encryption
   */
  constructor({ media, downlink, encryption }) {
    this.#media = media
    this.#context = {
      remote: {
        mediaOf: (/** @type {Stream} */ { id, source, owner }) =>
          this.arrived.get(id) ?? (source === 'camera' ? this.slots.mediaOf(owner) : null),
        sentAs: (/** @type {Stream} */ { id, source, owner }) => (source === 'camera' && this.slots.videoOf(owner)) || id,
        downlink,
        encryption
      },
      local: {
        mediaOf: (/** @type {Stream} */ { id }) => media.streamOf(id),
        sentAs: (/** @type {Stream} */ { id }) => id,
        downlink: null,
        encryption: null
      }
    }
  }

  /** How a stream of the others is looked up. */
  get remote() {
    return this.#context.remote
  }

  /**
   * The server says anew who is there. Those who were there before stay the objects that they were.
   * @param {any[]} views @param {string} own id of this page's participant
   */
  replace(views, own) {
    const before = this.participants
    this.participants = new Map()
    for (const view of views) {
      const participant = before.get(view.id) ?? new Participant(view.id, view.id === own)
      this.participants.set(view.id, participant)
      this.#update(participant, view)
    }
    this.#hands.clear()
    for (const { id, name, hand } of this.participants.values()) this.setHand({ id, name, since: hand })
    this.silence()
    this.syncLocal()
  }

  /** Who raises a hand, the longest first. */
  get hands() {
    return [...this.#hands.values()].sort((a, b) => a.since - b.since)
  }

  /** @param {{ id: string, name: string, since: number | null }} hand */
  setHand({ id, name, since }) {
    if (since === null) this.#hands.delete(id)
    else this.#hands.set(id, { id, name, since })
  }

  /** Nobody speaks until it is said anew. */
  silence() {
    for (const participant of this.participants.values()) participant.speaking = false
  }

  /** @param {string} id */
  streamOf(id) {
    for (const { streams } of this.participants.values()) {
      const found = streams.find(stream => stream.id === id)
      if (found) return found
    }
    return null
  }

  /** @param {(id: string) => boolean} isGone @returns {string[]} ids of what came and is gone */
  forgetStreams(isGone) {
    const gone = [...this.arrived.keys()].filter(isGone)
    for (const id of gone) this.arrived.delete(id)
    return gone
  }

  /** @param {any} view @returns {{ participant: Participant, isNew: boolean, handChanged: boolean }} */
  update(view) {
    const known = this.participants.get(view.id)
    const participant = known ?? new Participant(view.id, false)
    const { hand } = participant
    this.participants.set(view.id, participant)
    this.#update(participant, view)
    return { participant, isNew: known === undefined, handChanged: participant.hand !== hand }
  }

  /** @param {string} id @returns {Participant | undefined} the one who is gone */
  remove(id) {
    const participant = this.participants.get(id)
    this.participants.delete(id)
    this.#hands.delete(id)
    for (const stream of participant?.streams ?? []) this.arrived.delete(stream.id)
    return participant
  }

  /** This page's own devices changed. @param {{ audio: boolean, video: boolean }} [on] what of them is sent */
  syncLocal(on) {
    for (const participant of this.participants.values()) {
      if (!participant.isLocal) continue
      if (on) Object.assign(participant, on)
      participant.setStreams(this.#media.streams, this.#context.local)
    }
  }

  /** @param {Participant} participant @param {any} view */
  #update(participant, view) {
    participant.update(view)
    if (!participant.isLocal) participant.setStreams(view.streams, this.#context.remote)
  }
}
