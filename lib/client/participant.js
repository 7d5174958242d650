import { ParticipantStream } from './participant-stream.js'

const NOTHING_MODERATED = { audio: false, video: false, screen: false }

/** Somebody in the room, as the server tells of them. */
export class Participant {
  name = ''
  /** Who they are by their token; two with the same are never in one room. @type {string | null} */
  identity = null
  /** @type {import('./index.js').ParticipantRole} */
  role = 'member'
  /** Whether the microphone is on, and the camera. */
  audio = false
  video = false
  /** Whether they say that they encrypt end to end. */
  encrypted = false
  metadata = ''
  /** @type {Record<string, string>} */
  attributes = {}
  /** Since when they raise a hand, in milliseconds since the epoch. @type {number | null} */
  hand = null
  /** What a moderator has switched off. */
  moderated = NOTHING_MODERATED
  speaking = false
  /** @type {readonly ParticipantStream[]} */
  streams = []

  /** @param {string} id @param {boolean} isLocal */
  constructor(id, isLocal) {
    this.id = id
    this.isLocal = isLocal
  }

  get camera() {
    return this.streams.find(stream => stream.source === 'camera') ?? null
  }

  get screen() {
    return this.streams.find(stream => stream.source === 'screen') ?? null
  }

  /** Takes over what the server said. @param {any} view */
  update(view) {
    this.name = view.name
    this.identity = view.identity ?? null
    this.role = view.role
    this.encrypted = view.encrypted
    this.metadata = view.metadata ?? ''
    this.attributes = view.attributes ?? {}
    this.hand = view.hand ?? null
    this.moderated = view.moderated ?? NOTHING_MODERATED
    // Of this page itself its own devices tell, and earlier.
    if (this.isLocal) return
    this.audio = view.audio && !this.moderated.audio
    this.video = view.video && !this.moderated.video
  }

  /**
   * Streams that go on stay the objects that they were.
   * @param {readonly { id: string, source: 'camera' | 'screen' }[]} streams
   * @param {ConstructorParameters<typeof ParticipantStream>[3]} context
   */
  setStreams(streams, context) {
    this.streams = streams.map(
      ({ id, source }) =>
        this.streams.find(known => known.id === id && known.source === source) ?? new ParticipantStream(id, source, this.id, context)
    )
  }
}
