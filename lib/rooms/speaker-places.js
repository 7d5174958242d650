'use strict'

/**
 * Sends whoever speaks on m-lines that are negotiated already, as a WHEP viewer asks for: as many
 * voices and pictures as there are such m-lines, up to the slots of the room. Shared screens and
 * agents, which have no slots, get those beyond.
 */
class SpeakerPlaces {
  #viewer
  #slots
  #exceptName
  /** @type {import('../../index.js').OutgoingStream[]} */
  #places = []
  /** @type {Set<import('./index.js').Publication>} */
  #watched = new Set()
  /** M-lines beyond the slots, and what each carries. @type {Map<import('../../index.js').OutgoingTrack, import('./index.js').PublishedTrack | null>} */
  #spare = new Map()
  /** Whether places came since they were looked at. */
  #waiting = false
  #closed = false
  #onChange = () => this.#fill()

  /**
   * @param {import('./participant.js').Participant} viewer
   * @param {import('./room-slots.js').RoomSlots} slots
   * @param {string | undefined} exceptName of a participant whose screens are left out
   */
  constructor(viewer, slots, exceptName) {
    this.#viewer = viewer
    this.#slots = slots
    this.#exceptName = exceptName
  }

  /** @param {import('../../index.js').OutgoingStream} stream */
  addPlace(stream) {
    this.#places.push(stream)
    if (this.#waiting) return
    // They come one after the other, and how many there are says which slots they get.
    this.#waiting = true
    queueMicrotask(() => {
      this.#waiting = false
      this.restart()
    })
  }

  /** @param {import('./index.js').Publication} publication */
  add(publication) {
    if (this.#watched.has(publication)) return
    this.#watched.add(publication)
    publication.on('change', this.#onChange)
    this.#fill()
  }

  /** @param {import('./index.js').Publication} publication */
  remove(publication) {
    if (!this.#watched.delete(publication)) return
    publication.off('change', this.#onChange)
    this.#fill()
  }

  left() {}

  /** A player is told of nobody. */
  changed() {}

  /** Attaches every m-line anew. */
  restart() {
    if (this.#closed) return
    this.#slots.remove(this)
    this.#spare.clear()
    for (const kind of /** @type {const} */ (['audio', 'video'])) {
      const lines = this.#places.flatMap(stream => stream.tracks).filter(out => out.kind === kind && !out.closed)
      try {
        this.#attach(kind, lines)
      } catch (error) {
        this.#viewer.emit('mixingfailed', /** @type {Error} */ (error))
      }
    }
    this.#fill()
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    for (const publication of this.#watched) publication.off('change', this.#onChange)
    this.#watched.clear()
    // The m-lines may carry something else next.
    for (const out of this.#places.flatMap(stream => stream.tracks)) if (!out.closed) out.detach()
    this.#slots.remove(this)
  }

  /**
   * @param {import('../../index.js').Kind} kind
   * @param {import('../../index.js').OutgoingTrack[]} lines
   */
  #attach(kind, lines) {
    const count = shared(lines.length, this.#slots.counts[kind])
    const { [kind]: slots } = count === 0 ? { [kind]: [] } : this.#slots.add(this, { audio: 0, video: 0, [kind]: count })
    for (const [index, out] of lines.entries()) {
      const slot = slots[index]
      if (!slot) {
        this.#spare.set(out, null)
        continue
      }
      const transponder = out.attachTo(slot)
      // Attaching again may give the transponder that is listened to already.
      if (transponder.listenerCount('error') > 0) continue
      transponder.on('error', error => this.#viewer.emit('mixingfailed', error))
      this.#viewer.emit('mixing', transponder)
    }
  }

  /** What has no slot, on the m-lines beyond them: whoever has one keeps it. */
  #fill() {
    if (this.#closed) return
    const publications = [...this.#watched].filter(
      ({ screen, stream, participant }) => (screen || stream === null) && participant.name !== this.#exceptName
    )
    const tracks = new Set(publications.flatMap(publication => publication.tracks).filter(track => !track.closed))
    for (const [out, track] of this.#spare) {
      if (track === null || tracks.delete(track)) continue
      this.#spare.set(out, null)
      if (!out.closed) out.detach()
    }
    for (const track of tracks) {
      const [free] = [...this.#spare].find(([out, carried]) => carried === null && out.kind === track.kind && !out.closed) ?? []
      if (!free) continue
      this.#spare.set(free, track)
      const publication = publications.find(each => each.tracks.includes(track))
      if (publication) this.#send(publication, track, free)
    }
  }

  /**
   * @param {import('./index.js').Publication} publication
   * @param {import('./index.js').PublishedTrack} track
   * @param {import('../../index.js').OutgoingTrack} out
   */
  #send(publication, track, out) {
    try {
      const transponder = out.attachTo(track)
      transponder.on('error', error => this.#viewer.emit('forwardingfailed', publication, track, error))
      this.#viewer.emit('forwarding', publication, transponder)
    } catch (error) {
      this.#viewer.emit('forwardingfailed', publication, track, /** @type {Error} */ (error))
    }
  }
}

/**
 * How many slots so many m-lines take. Players bring any number of them, and each number is a set of
 * slots of its own, of which a room has few: so it is all that there are, or a power of two.
 *
 * @param {number} lines
 * @param {number} most
 */
function shared(lines, most) {
  if (lines >= most) return most
  return lines === 0 ? 0 : 2 ** Math.floor(Math.log2(lines))
}

exports.SpeakerPlaces = SpeakerPlaces
