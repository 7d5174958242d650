'use strict'

const { MixerSeat } = require('./mixer-seat.js')

/** Milliseconds until a mixer that failed, or could not be made, is made again. */
const RETRY_MS = 2000

/** @typedef {{ update: () => void, fail: (error: Error) => void }} MixReceiver */

/**
 * The one mixer of a room: made when the first receiver wants the mix, closed when nobody does any
 * more. Whoever may send has a seat in it, with or without anything to send.
 */
class RoomMixer {
  #room
  #endpoint
  #options
  /** @type {import('../../index.js').Mixer | null} */
  #mixer = null
  /** @type {Map<import('./participant.js').Participant, MixerSeat>} */
  #seats = new Map()
  /** @type {Set<MixReceiver>} */
  #receivers = new Set()
  #making = false
  /** @type {NodeJS.Timeout | null} */
  #retry = null
  /** @type {(mixer: import('../../index.js').Mixer | null) => void} */
  #onChange

  /**
   * @param {import('./room.js').Room} room
   * @param {import('../../index.js').Endpoint} endpoint
   * @param {import('../../index.js').MixerOptions} options
   * @param {(mixer: import('../../index.js').Mixer | null) => void} onChange
   */
  constructor(room, endpoint, options, onChange) {
    this.#room = room
    this.#endpoint = endpoint
    this.#options = options
    this.#onChange = onChange
  }

  get mixer() {
    return this.#mixer
  }

  /** @param {MixReceiver} receiver */
  add(receiver) {
    this.#receivers.add(receiver)
    if (this.#mixer) receiver.update()
    else void this.#make()
  }

  /** @param {MixReceiver} receiver */
  remove(receiver) {
    if (!this.#receivers.delete(receiver) || this.#receivers.size > 0) return
    if (this.#retry) clearTimeout(this.#retry)
    this.#retry = null
    this.#drop()
  }

  /** Someone came, left, or may send now and could not before. */
  seatsChanged() {
    if (!this.#mixer) return
    this.#seat(this.#mixer)
    this.#tell()
  }

  /** @param {import('./index.js').RoomLayout} layout */
  setLayout(layout) {
    if (this.#mixer?.video) this.#mixer.setLayout(layout)
  }

  /**
   * What a receiver hears: everyone but themselves.
   *
   * @param {import('./participant.js').Participant} participant
   * @param {string | undefined} exceptName of a participant who is the receiver's own, too
   */
  audioFor(participant, exceptName) {
    const own =
      this.#seats.get(participant) ??
      (exceptName === undefined ? undefined : [...this.#seats].find(([{ name }]) => name === exceptName)?.[1])
    return own?.audio ?? this.#mixer?.audio ?? null
  }

  async #make() {
    if (this.#making || this.#mixer || this.#retry) return
    this.#making = true
    let mixer
    try {
      mixer = await this.#endpoint.createMixer({ ...this.#options, appData: this.#room })
    } catch (error) {
      this.#fail(/** @type {Error} */ (error))
      return
    } finally {
      this.#making = false
    }
    if (this.#receivers.size === 0) {
      void mixer.close()
      return
    }
    this.#mixer = mixer
    mixer.on('error', error => this.#fail(error))
    mixer.once('closed', () => this.#closed(mixer))
    if (mixer.video && mixer.layout !== this.#room.layout) mixer.setLayout(this.#room.layout)
    this.#seat(mixer)
    this.#onChange(mixer)
    this.#tell()
  }

  /** @param {import('../../index.js').Mixer} mixer */
  #seat(mixer) {
    const senders = this.#room.participants.filter(participant => participant.maySend)
    for (const [participant, seat] of this.#seats) {
      if (senders.includes(participant)) continue
      this.#seats.delete(participant)
      seat.close()
    }
    for (const participant of senders) {
      if (this.#seats.has(participant)) continue
      try {
        this.#seats.set(participant, new MixerSeat(mixer, participant))
      } catch (error) {
        // One participant too many must not keep the others from the mix.
        participant.emit('mixingfailed', /** @type {Error} */ (error))
      }
    }
  }

  #tell() {
    for (const receiver of this.#receivers) receiver.update()
  }

  /** @param {Error} error */
  #fail(error) {
    for (const receiver of this.#receivers) receiver.fail(error)
    this.#again()
  }

  /** It was not closed from here. @param {import('../../index.js').Mixer} mixer */
  #closed(mixer) {
    if (mixer !== this.#mixer) return
    this.#drop()
    this.#again()
  }

  #again() {
    if (this.#retry || this.#receivers.size === 0 || this.#endpoint.closed) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      if (this.#receivers.size > 0) void this.#make()
    }, RETRY_MS)
    this.#retry.unref()
  }

  #drop() {
    const mixer = this.#mixer
    if (!mixer) return
    this.#mixer = null
    for (const seat of this.#seats.values()) seat.close()
    this.#seats.clear()
    void mixer.close()
    this.#onChange(null)
  }
}

exports.RoomMixer = RoomMixer
