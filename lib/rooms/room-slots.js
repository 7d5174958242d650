'use strict'

const { isRefused } = require('./refused.js')

/**
 * Somebody who gets slots.
 *
 * @typedef {object} SlotReceiver
 * @property {() => void} changed somebody else has a slot
 * @property {() => void} restart the slots were lost with the thread that they lived on
 */

/**
 * The slots of a room's speakers: few, whoever of many has them. The engine decides who, where the
 * packets come; here is no more than who takes part, and whose each track is.
 *
 * They are made for the first participant who gets them and closed after the last: one set for all who
 * take as many, since with fewer of them it is others that are among the loudest.
 */
class RoomSlots {
  #room
  #counts
  /** By how many there are of each kind. @type {Map<string, { slots: import('../../index.js').SpeakerSlots, receivers: Set<SlotReceiver> }>} */
  #sets = new Map()
  /** @type {import('../../index.js').ActiveSpeakerDetector | null} */
  #detector = null
  /** What each participant takes part with. @type {Map<import('./index.js').Participant, Member>} */
  #members = new Map()
  /** @type {Map<import('./index.js').PublishedTrack, import('./index.js').Participant>} */
  #owners = new Map()

  /**
   * @param {import('./room.js').Room} room
   * @param {{ audio: number, video: number }} counts the most of each kind
   */
  constructor(room, counts) {
    this.#room = room
    this.#counts = counts
  }

  /** The most that anybody gets. */
  get counts() {
    return this.#counts
  }

  /**
   * @param {SlotReceiver} receiver
   * @param {{ audio: number, video: number }} [counts] default: all that there are
   */
  add(receiver, { audio, video } = this.#counts) {
    const key = `${audio}/${video}`
    const known = this.#sets.get(key)
    if (known) {
      known.receivers.add(receiver)
      return known.slots
    }
    const slots = this.#need().createSlots(audio, { video, appData: this.#room })
    const receivers = new Set([receiver])
    this.#sets.set(key, { slots, receivers })
    const onChange = () => {
      for (const each of receivers) each.changed()
    }
    for (const slot of [...slots.audio, ...slots.video]) slot.on('change', onChange)
    return slots
  }

  /** @param {SlotReceiver} receiver */
  remove(receiver) {
    for (const [key, { slots, receivers }] of this.#sets) {
      if (!receivers.delete(receiver) || receivers.size > 0) continue
      this.#sets.delete(key)
      if (!slots.closed) slots.close()
    }
    if (this.#sets.size > 0) return
    const detector = this.#detector
    this.#forget()
    if (detector && !detector.closed) detector.close()
  }

  /** Who has a slot. @param {import('../../index.js').SpeakerSlot} slot */
  owner(slot) {
    return (slot.track && this.#owners.get(slot.track)) ?? null
  }

  /** What somebody sends changed, or they left. @param {import('./index.js').Participant} participant */
  update(participant) {
    const detector = this.#detector
    if (!detector || detector.closed) return
    try {
      this.#seat(detector, participant)
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  #need() {
    if (this.#detector) return this.#detector
    const detector = this.#room.endpoint.createActiveSpeakerDetector({ appData: this.#room })
    this.#detector = detector
    detector.once('closed', () => this.#closed(detector))
    for (const participant of this.#room.participants) this.update(participant)
    return detector
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

  /**
   * The media thread that decides may die: what was attached to its slots is attached anew.
   * @param {import('../../index.js').ActiveSpeakerDetector} detector
   */
  #closed(detector) {
    if (this.#detector !== detector) return
    const receivers = new Set([...this.#sets.values()].flatMap(set => [...set.receivers]))
    this.#forget()
    for (const receiver of receivers) receiver.restart()
  }

  #forget() {
    this.#detector = null
    this.#sets.clear()
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
