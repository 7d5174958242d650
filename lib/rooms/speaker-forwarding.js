'use strict'

const { StreamForwarding } = require('./stream-forwarding.js')

/**
 * Sends whoever speaks, on a handful of tracks that stay while those who are sent on them change:
 * what a listener of a room of hundreds can take. Shared screens and agents, of which there are few,
 * are streams of their own as ever.
 */
class SpeakerForwarding {
  #participant
  #slots
  #transport
  /** @type {import('../../index.js').OutgoingStream[]} */
  #streams = []
  /** @type {Map<string, import('../../index.js').SpeakerSlot>} */
  #bySlot = new Map()
  /** What has a stream of its own. */
  #others
  /** @type {Map<import('./index.js').Publication, () => void>} */
  #watched = new Map()
  /** What was told last. @type {readonly import('./index.js').FilledSlot[]} */
  #told = []
  #closed = false

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('./room-slots.js').RoomSlots} slots
   * @param {import('../../index.js').Transport} transport
   */
  constructor(participant, slots, transport) {
    this.#participant = participant
    this.#slots = slots
    this.#transport = transport
    this.#others = new StreamForwarding(participant, transport)
    this.#start()
  }

  /** @param {import('./index.js').Publication} publication */
  add(publication) {
    if (this.#watched.has(publication)) return
    const onChange = () => this.#sort(publication)
    this.#watched.set(publication, onChange)
    publication.on('change', onChange)
    onChange()
  }

  /** @param {import('./index.js').Publication} publication */
  remove(publication) {
    const onChange = this.#watched.get(publication)
    if (!onChange) return
    this.#watched.delete(publication)
    publication.off('change', onChange)
    this.#others.remove(publication)
  }

  left() {}

  get slots() {
    return this.#told
  }

  /** Somebody else has a slot. */
  changed() {
    const slots = [...this.#bySlot].map(([stream, slot]) => {
      return Object.freeze({ stream, kind: slot.kind, participant: this.#slots.owner(slot) })
    })
    const same = slots.every(({ participant }, index) => participant === this.#told[index]?.participant)
    if (same && slots.length === this.#told.length) return
    this.#told = Object.freeze(slots)
    this.#participant.emit('slots', slots)
  }

  /** The slots were lost with the thread that they lived on. */
  restart() {
    for (const stream of this.#streams) if (!stream.closed) stream.close()
    this.#streams = []
    this.#bySlot.clear()
    this.#told = []
    if (!this.#closed && !this.#transport.closed) this.#start()
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    for (const publication of [...this.#watched.keys()]) this.remove(publication)
    this.#others.close()
    for (const stream of this.#streams) if (!stream.closed) stream.close()
    this.#slots.remove(this)
  }

  #start() {
    try {
      const slots = this.#slots.add(this)
      slots.audio.forEach((slot, index) => this.#attach(slot, `speaker.audio.${index + 1}`))
      slots.video.forEach((slot, index) => this.#attach(slot, `speaker.video.${index + 1}`))
      this.changed()
    } catch (error) {
      this.#participant.emit('mixingfailed', /** @type {Error} */ (error))
    }
  }

  /**
   * @param {import('../../index.js').SpeakerSlot} slot
   * @param {string} id
   */
  #attach(slot, id) {
    const stream = this.#transport.createOutgoingStream({ id })
    this.#streams.push(stream)
    this.#bySlot.set(id, slot)
    const transponder = stream.addTrack(slot.kind).attachTo(slot)
    transponder.on('error', error => this.#participant.emit('mixingfailed', error))
    this.#participant.emit('mixing', transponder)
  }

  /** Cameras and microphones come by the slots. @param {import('./index.js').Publication} publication */
  #sort(publication) {
    if (publication.screen || publication.stream === null) this.#others.add(publication)
    else this.#others.remove(publication)
  }
}

exports.SpeakerForwarding = SpeakerForwarding
