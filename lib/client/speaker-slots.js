/**
 * In a room of many whoever speaks comes on a handful of streams that stay, and the server says whose
 * they are. Put together again by participant, they are the streams of participants like any other.
 */
export class SpeakerSlots {
  /** @type {{ id: string, kind: 'audio' | 'video', participant: string | null }[]} */
  #slots = []
  /** By participant id. @type {Map<string, MediaStream>} */
  #media = new Map()
  #arrived

  /** @param {Map<string, MediaStream>} arrived what came, by stream id */
  constructor(arrived) {
    this.#arrived = arrived
  }

  /** @param {{ id: string, kind: 'audio' | 'video', participant: string | null }[]} slots */
  assign(slots) {
    this.#slots = slots
    this.sync()
  }

  /** Streams came, or went. */
  sync() {
    const speaking = new Set(this.#slots.map(({ participant }) => participant))
    for (const [id, media] of this.#media) {
      this.#fill(media, id)
      if (!speaking.has(id)) this.#media.delete(id)
    }
    for (const id of speaking) {
      if (id === null || this.#media.has(id)) continue
      const media = new MediaStream()
      this.#media.set(id, media)
      this.#fill(media, id)
    }
  }

  /** @param {string} participant */
  mediaOf(participant) {
    return this.#media.get(participant) ?? null
  }

  /** On which stream their picture comes. @param {string} participant */
  videoOf(participant) {
    return this.#slots.find(slot => slot.kind === 'video' && slot.participant === participant)?.id
  }

  /** @param {MediaStream} media @param {string} participant */
  #fill(media, participant) {
    const slots = this.#slots.filter(slot => slot.participant === participant)
    const tracks = slots.flatMap(({ id }) => this.#arrived.get(id)?.getTracks() ?? [])
    for (const track of media.getTracks()) if (!tracks.includes(track)) media.removeTrack(track)
    for (const track of tracks) media.addTrack(track)
  }
}
