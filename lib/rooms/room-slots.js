'use strict'

const { isRefused } = require('./refused.js')

/**
 * The slots of a room's speakers: few, whoever of many has them. The engine decides who, where the
 * packets come; here is no more than who takes part, and whose each track is.
 *
 * They are made for the first participant who gets them, one set for all, and closed after the last.
 */
class RoomSlots {
  #room
  #counts
  /** @type {Set<import('./speaker-forwarding.js').SpeakerForwarding>} */
  #receivers = new Set()
  /** @type {import('../../index.js').SpeakerSlots | null} */
  #slots = null
  /** What each participant takes part with. @type {Map<import('./index.js').Participant, Member>} */
  #members = new Map()
  /** @type {Map<import('./index.js').PublishedTrack, import('./index.js').Participant>} */
  #owners = new Map()

  /**
   * @param {import('./room.js').Room} room
   * @param {{ audio: number, video: number }} counts
   */
  constructor(room, counts) {
    this.#room = room
    this.#counts = counts
  }

  /** @param {import('./speaker-forwarding.js').SpeakerForwarding} receiver */
  add(receiver) {
    this.#receivers.add(receiver)
    if (this.#slots) return this.#slots
    const { audio, video } = this.#counts
    const slots = this.#room.endpoint.createSpeakerSlots(audio, { video, appData: this.#room })
    this.#slots = slots
    const onChange = () => {
      for (const each of this.#receivers) each.changed()
    }
    for (const slot of [...slots.audio, ...slots.video]) slot.on('change', onChange)
    slots.once('closed', () => this.#closed(slots))
    for (const participant of this.#room.participants) this.update(participant)
    return slots
  }

  /** @param {import('./speaker-forwarding.js').SpeakerForwarding} receiver */
  remove(receiver) {
    if (!this.#receivers.delete(receiver) || this.#receivers.size > 0) return
    const slots = this.#slots
    this.#slots = null
    this.#forget()
    slots?.close()
  }

  /** Who has a slot. @param {import('../../index.js').SpeakerSlot} slot */
  owner(slot) {
    return (slot.track && this.#owners.get(slot.track)) ?? null
  }

  /** What somebody sends changed, or they left. @param {import('./index.js').Participant} participant */
  update(participant) {
    const detector = this.#slots?.detector
    if (!detector || detector.closed) return
    try {
      this.#seat(detector, participant)
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  /**
   * @param {import('../../index.js').ActiveSpeakerDetector} detector
   * @param {import('./index.js').Participant} participant
   */
  #seat(detector, participant) {
    const before = this.#members.get(participant)
    const member = participant.closed ? undefined : memberOf(participant)
    if (before?.audio === member?.audio && before?.video === member?.video) return
    if (before) {
      this.#owners.delete(before.audio)
      if (before.video) this.#owners.delete(before.video)
      this.#members.delete(participant)
      if (before.audio !== member?.audio && !before.audio.closed) detector.remove(before.audio)
    }
    if (!member) return
    detector.add(member.audio, { video: member.video })
    this.#members.set(participant, member)
    this.#owners.set(member.audio, participant)
    if (member.video) this.#owners.set(member.video, participant)
  }

  /** The media thread that decides may die: what was attached to its slots is attached anew. */
  #closed(/** @type {import('../../index.js').SpeakerSlots} */ slots) {
    if (this.#slots !== slots) return
    this.#slots = null
    this.#forget()
    for (const receiver of [...this.#receivers]) receiver.restart()
  }

  #forget() {
    this.#members.clear()
    this.#owners.clear()
  }
}

/**
 * @typedef {{ audio: import('../../index.js').IncomingTrack, video: import('../../index.js').IncomingTrack | null }} Member
 */

/**
 * Whoever has a microphone takes part with it, and with the camera beside it. A shared screen is
 * for everybody, whoever speaks.
 *
 * @param {import('./index.js').Participant} participant
 * @returns {Member | undefined}
 */
function memberOf(participant) {
  const cameras = participant.publications.filter(publication => !publication.screen)
  const tracks = cameras.flatMap(publication => publication.tracks.flatMap(track => ('withhold' in track && !track.closed ? [track] : [])))
  const audio = tracks.find(track => track.kind === 'audio')
  return audio && { audio, video: tracks.find(track => track.kind === 'video') ?? null }
}

exports.RoomSlots = RoomSlots
