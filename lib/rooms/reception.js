'use strict'

const { MixForwarding } = require('./mix-forwarding.js')
const { PlaceForwarding } = require('./place-forwarding.js')
const { SpeakerForwarding } = require('./speaker-forwarding.js')
const { SpeakerPlaces } = require('./speaker-places.js')
const { StreamForwarding } = require('./stream-forwarding.js')

/** @typedef {StreamForwarding | PlaceForwarding | SpeakerForwarding | SpeakerPlaces | MixForwarding} Forwarding */

/** How the others' media reaches one participant, by what they receive and over what. */
class Reception {
  /** @type {Forwarding | null} */
  #forwarding = null
  /** What the forwarding is for. @type {import('./index.js').ReceivedSource | null} */
  #source = null
  /** Streams given with receive: 'places', of the present transport. @type {import('../../index.js').OutgoingStream[]} */
  #places = []
  /** @type {import('../../index.js').Transport | null} */
  #transport = null
  #participant
  #receive
  #exceptName

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {{ receive: 'streams' | 'places' | 'nothing', exceptName: string | undefined }} options
   */
  constructor(participant, { receive, exceptName }) {
    this.#participant = participant
    this.#receive = receive
    this.#exceptName = exceptName
  }

  /** `null` while nothing is to reach them. */
  get forwarding() {
    return this.#forwarding
  }

  /** @param {import('../../index.js').Transport} transport */
  start(transport) {
    this.#transport = transport
    this.update()
  }

  stop() {
    this.#forwarding?.close()
    this.#forwarding = null
    this.#source = null
    this.#transport = null
    this.#places = []
  }

  /** Has the others' media reach the participant the way it should now. */
  update() {
    const wanted = this.#wanted()
    if (wanted === this.#source) return
    this.#forwarding?.close()
    this.#forwarding = null
    this.#source = wanted
    if (wanted === null || !this.#transport) return
    const forwarding = this.#forwardingOf(wanted, this.#transport)
    this.#forwarding = forwarding
    for (const place of this.#places) if (!place.closed) addPlace(forwarding, place)
    for (const other of this.#participant.room.participants) {
      if (other === this.#participant) continue
      for (const publication of other.publications) forwarding.add(publication)
    }
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addPlace(stream) {
    if (this.#receive !== 'places' || !this.#transport) {
      throw new TypeError("places belong to participants who joined with receive: 'places' and a transport")
    }
    this.#places.push(stream)
    if (this.#forwarding) addPlace(this.#forwarding, stream)
  }

  #wanted() {
    const { permissions, source, chosenSource } = this.#participant
    if (!this.#transport || this.#receive === 'nothing' || !permissions.canSubscribe) return null
    // Places are few by themselves, so that they are for speakers only where somebody says so.
    return source === 'speakers' && this.#receive === 'places' && chosenSource === null ? 'streams' : source
  }

  /**
   * @param {import('./index.js').ReceivedSource} source
   * @param {import('../../index.js').Transport} transport
   */
  #forwardingOf(source, transport) {
    const places = this.#receive === 'places'
    if (source === 'mix') {
      return new MixForwarding(this.#participant, this.#participant.room.needMixing(), {
        ...(!places && { transport }),
        exceptName: this.#exceptName
      })
    }
    if (source === 'speakers') {
      const { slots } = this.#participant.room
      return places
        ? new SpeakerPlaces(this.#participant, slots, this.#exceptName)
        : new SpeakerForwarding(this.#participant, slots, transport)
    }
    if (places) return new PlaceForwarding(this.#participant, this.#exceptName)
    return new StreamForwarding(this.#participant, transport)
  }
}

/**
 * @param {Forwarding} forwarding
 * @param {import('../../index.js').OutgoingStream} place
 */
function addPlace(forwarding, place) {
  if ('addPlace' in forwarding) forwarding.addPlace(place)
}

exports.Reception = Reception
