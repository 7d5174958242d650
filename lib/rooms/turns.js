'use strict'

const { isRefused } = require('./refused.js')

/**
 * Whose turn it is to speak, for an agent. The engine measures it, where the packets come, with the
 * silence that the agent takes for an end; here is no more than whose each microphone is.
 */
class Turns {
  #participant
  #onStart
  #onEnd
  #silence
  /** @type {import('../../index.js').ActiveSpeakerDetector | null} */
  #detector = null
  /** The microphone of each. @type {Map<import('./index.js').Participant, import('../../index.js').IncomingTrack>} */
  #microphones = new Map()
  /** What listens to each. @type {Map<import('./index.js').Participant, () => void>} */
  #listeners = new Map()
  /** Who speaks, since when. @type {Map<import('./index.js').Participant, number>} */
  #speaking = new Map()
  #closed = false
  /** @param {import('./index.js').Participant} who */
  #onJoined = who => this.#follow(who)
  /** @param {import('./index.js').Participant} who */
  #onLeft = who => {
    this.#listeners.delete(who)
    this.#update(who)
  }

  /**
   * @param {import('./index.js').Participant} participant the agent's own
   * @param {object} options
   * @param {number} options.silence milliseconds
   * @param {(who: import('./index.js').Participant) => void} options.onStart
   * @param {(who: import('./index.js').Participant, duration: number) => void} options.onEnd
   */
  constructor(participant, { silence, onStart, onEnd }) {
    this.#participant = participant
    this.#silence = silence
    this.#onStart = onStart
    this.#onEnd = onEnd
    const { room } = participant
    room.on('joined', this.#onJoined)
    room.on('left', this.#onLeft)
    for (const other of room.participants) this.#follow(other)
  }

  close() {
    this.#closed = true
    const { room } = this.#participant
    room.off('joined', this.#onJoined)
    room.off('left', this.#onLeft)
    for (const [other, listener] of this.#listeners) other.off('media', listener)
    this.#listeners.clear()
    this.#detector?.close()
  }

  /** @param {import('./index.js').Participant} who */
  #follow(who) {
    if (who === this.#participant) return
    const listener = () => this.#update(who)
    this.#listeners.set(who, listener)
    who.on('media', listener)
    this.#update(who)
  }

  /** @param {import('./index.js').Participant} who */
  #update(who) {
    if (this.#closed) return
    try {
      this.#listenTo(who)
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  /** @param {import('./index.js').Participant} who */
  #listenTo(who) {
    const before = this.#microphones.get(who)
    const now = who.closed ? undefined : microphoneOf(who)
    if (before === now) return
    const detector = this.#need()
    if (before) {
      this.#microphones.delete(who)
      if (!before.closed) detector.remove(before)
      // Of whom nothing is measured any more no end is told.
      this.#ended(who, 0)
    }
    if (!now) return
    this.#microphones.set(who, now)
    detector.add(now)
  }

  #need() {
    if (this.#detector && !this.#detector.closed) return this.#detector
    const detector = this.#participant.room.endpoint.createActiveSpeakerDetector({ pause: this.#silence })
    this.#detector = detector
    detector.on('speaking', (track, speaking) => {
      const who = [...this.#microphones].find(([, each]) => each === track)?.[0]
      if (!who) return
      if (!speaking) return this.#ended(who, this.#silence)
      this.#speaking.set(who, performance.now())
      this.#onStart(who)
    })
    // The media thread that it lived on may die: everybody is added to another one.
    detector.once('closed', () => {
      if (this.#closed) return
      this.#microphones.clear()
      for (const who of [...this.#speaking.keys()]) this.#ended(who, 0)
      for (const who of this.#listeners.keys()) this.#update(who)
    })
    return detector
  }

  /**
   * @param {import('./index.js').Participant} who
   * @param {number} silence milliseconds that have passed since they stopped
   */
  #ended(who, silence) {
    const began = this.#speaking.get(who)
    if (began === undefined) return
    this.#speaking.delete(who)
    this.#onEnd(who, Math.max(0, performance.now() - began - silence))
  }
}

/** @param {import('./index.js').Participant} participant */
function microphoneOf(participant) {
  const speech = participant.publications.filter(publication => publication.speech)
  return speech.flatMap(publication =>
    publication.tracks.flatMap(track => ('withhold' in track && track.kind === 'audio' && !track.closed ? [track] : []))
  )[0]
}

exports.Turns = Turns
