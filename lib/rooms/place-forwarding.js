'use strict'

/**
 * Sends the others on m-lines that are negotiated already, as a WHEP viewer asks for: one
 * participant per place, in joining order. Later ones fill the places still free, and whoever leaves
 * frees theirs. Nothing is ever renegotiated, because WHEP has no way to.
 */
class PlaceForwarding {
  /** @type {{ stream: import('../../index.js').OutgoingStream, participant: import('./participant.js').Participant | null }[]} */
  #places = []
  #viewer
  #exceptName
  #onChange = () => this.#fill()
  /** @type {Set<import('./index.js').Publication>} */
  #watched = new Set()

  /**
   * @param {import('./participant.js').Participant} viewer
   * @param {string | undefined} exceptName whose tracks are left out
   */
  constructor(viewer, exceptName) {
    this.#viewer = viewer
    this.#exceptName = exceptName
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addPlace(stream) {
    this.#places.push({ stream, participant: null })
    this.#fill()
  }

  /** @param {import('./index.js').Publication} publication */
  add(publication) {
    if (this.#watched.has(publication)) return
    this.#watched.add(publication)
    publication.on('track', this.#onChange)
    publication.on('trackclosed', this.#onChange)
    this.#fill()
  }

  /** @param {import('./index.js').Publication} publication */
  remove(publication) {
    if (!this.#watched.delete(publication)) return
    publication.off('track', this.#onChange)
    publication.off('trackclosed', this.#onChange)
    this.#fill()
  }

  /** A participant sends nothing any more. */
  left() {
    this.#fill()
  }

  close() {
    for (const publication of this.#watched) {
      publication.off('track', this.#onChange)
      publication.off('trackclosed', this.#onChange)
    }
    this.#watched.clear()
    // The m-lines may carry something else next.
    for (const { stream } of this.#places) {
      for (const out of stream.tracks) if (!out.closed) out.detach()
    }
    this.#places = []
  }

  #fill() {
    const waiting = this.#candidates()
    for (const place of this.#places) {
      if (!place.participant) continue
      const stays = waiting.delete(place.participant)
      if (!stays) place.participant = null
    }
    for (const participant of waiting) {
      const place = this.#places.find(free => !free.participant && free.stream.tracks.some(out => pick(participant, out)))
      if (place) place.participant = participant
    }
    for (const place of this.#places) this.#attach(place)
  }

  /** Those who send something, in joining order; not those of the viewer's own name. */
  #candidates() {
    return new Set(
      this.#viewer.room.participants.filter(
        participant => participant !== this.#viewer && participant.name !== this.#exceptName && participant.sends
      )
    )
  }

  /** @param {{ stream: import('../../index.js').OutgoingStream, participant: import('./participant.js').Participant | null }} place */
  #attach(place) {
    for (const out of place.stream.tracks) {
      if (out.closed) continue
      const track = place.participant ? pick(place.participant, out) : undefined
      const attached = out.transponder && !out.transponder.closed ? out.transponder.incomingTrack : undefined
      if (track === attached) continue
      if (!track) {
        out.detach()
        continue
      }
      const publication = place.participant?.publications.find(candidate => candidate.tracks.includes(track))
      if (!publication) continue
      try {
        const transponder = out.attachTo(track)
        // Attaching again may give the transponder that is listened to already.
        if (transponder.listenerCount('error') === 0) {
          transponder.on('error', error => {
            const source = /** @type {import('./index.js').PublishedTrack | null} */ (transponder.incomingTrack)
            this.#viewer.emit('forwardingfailed', publication, source, error)
          })
        }
        this.#viewer.emit('forwarding', publication, transponder)
      } catch (error) {
        this.#viewer.emit('forwardingfailed', publication, track, /** @type {Error} */ (error))
      }
    }
  }
}

/**
 * @param {import('./participant.js').Participant} participant
 * @param {import('../../index.js').OutgoingTrack} out
 */
function pick(participant, out) {
  return participant.tracks.find(track => track.kind === out.kind)
}

exports.PlaceForwarding = PlaceForwarding
