'use strict'

const { Publication } = require('./publication.js')
const { mayPublish } = require('./permissions.js')

/** @type {import('./index.js').Moderated} */
const NOTHING = Object.freeze({ audio: false, video: false, screen: false })

/**
 * What one participant sends, as far as it is for the others: which streams are offered to them, what
 * a moderator muted of it, and whether it speaks.
 *
 * Everything that may change what is offered leads to one look at all of it.
 */
class Publishing {
  /** By the stream that is offered, or what is made here. @type {Map<object, Publication>} */
  #publications = new Map()
  /** Tracks that nothing withholds, taken away while they are muted. @type {WeakSet<import('./index.js').PublishedTrack>} */
  #withdrawn = new WeakSet()
  #count = 0
  #participant
  /** @type {import('../../index.js').Transport | null} */
  #transport = null
  /** What an agent says and shows, or the application offers. @type {import('./index.js').OfferedTracks | null} */
  #offered = null
  /** Ids of streams that show a screen, as their sender names them. @type {ReadonlySet<string>} */
  #screens = new Set()
  /** @type {import('./index.js').Moderated} */
  #moderated
  /** Tracks with a sound just now, whatever they are for. @type {Set<import('./index.js').PublishedTrack>} */
  #sounding = new Set()
  #speaking = false
  /** @param {import('../../index.js').IncomingTrack} track */
  #onTrack = track => this.#offer(track)

  /**
   * @param {import('./participant.js').Participant} participant
   * @param {import('./index.js').Moderated} [moderated]
   */
  constructor(participant, moderated = NOTHING) {
    this.#participant = participant
    this.#moderated = moderated
  }

  get publications() {
    return [...this.#publications.values()]
  }

  get tracks() {
    return this.publications.flatMap(publication => publication.tracks)
  }

  get speaking() {
    return this.#speaking
  }

  get moderated() {
    return this.#moderated
  }

  /** @param {import('../../index.js').Transport} transport */
  start(transport) {
    this.#transport = transport
    transport.on('track', this.#onTrack)
    this.update()
  }

  /** @param {import('./index.js').OfferedTracks | null} offered */
  offer(offered) {
    const before = this.#publications.get(this.#offered ?? this)
    if (before && offered !== this.#offered) this.#unpublish(before)
    this.#offered = offered
    this.update()
  }

  stop() {
    this.#offered = null
    this.#transport?.off('track', this.#onTrack)
    this.#transport = null
    for (const publication of this.publications) this.#unpublish(publication)
  }

  /** Offers what the participant may send, and nothing else. */
  update() {
    for (const publication of this.publications) {
      for (const track of publication.tracks) {
        if (!this.#allows(track, publication.screen)) publication.removeTrack(track)
      }
      if (publication.tracks.length === 0 && !this.#isHeldBack(publication)) this.#unpublish(publication)
    }
    for (const track of this.#transport?.incomingTracks ?? []) this.#offer(track)
    for (const track of this.#made) this.#offer(track)
  }

  /** What is offered of what is made here. */
  get #made() {
    return [this.#offered?.audio, this.#offered?.video].filter(track => !!track)
  }

  /** @param {Iterable<string>} streams */
  setScreens(streams) {
    this.#screens = new Set(streams)
    for (const publication of this.publications) {
      const screen = publication.stream !== null && this.#screens.has(publication.stream.id)
      if (screen === publication.screen) continue
      publication.screen = screen
      publication.speech = !screen
    }
    this.update()
  }

  /**
   * @param {import('./index.js').ModeratedKind} kind
   * @param {boolean} muted
   * @returns {boolean} whether that is a change
   */
  moderate(kind, muted) {
    if (this.#moderated[kind] === muted) return false
    this.#moderated = Object.freeze({ ...this.#moderated, [kind]: muted })
    for (const publication of this.publications) this.#withhold(publication)
    this.update()
    return true
  }

  /**
   * Tracks that are made here make a sound when whoever offers them says so.
   * @param {import('./index.js').PublishedTrack} track
   * @param {boolean} sounds
   */
  hear(track, sounds) {
    if (sounds) this.#sounding.add(track)
    else this.#sounding.delete(track)
    this.#updateSpeaking()
  }

  /**
   * @param {import('./index.js').PublishedTrack} track
   * @param {boolean} screen
   */
  #allows(track, screen) {
    const { maySend, permissions } = this.#participant
    return maySend && mayPublish(permissions, track.kind, screen)
  }

  /** @param {import('./index.js').PublishedTrack} track */
  #offer(track) {
    const stream = 'stream' in track ? track.stream : null
    const source = stream ?? this.#offered
    if (!source) return
    const screen = stream === null ? this.#offered?.screen === true : this.#screens.has(stream.id)
    if (!this.#allows(track, screen)) return
    if (track.closed || this.tracks.length >= this.#participant.room.limits.maxTracks) return
    const known = this.#publications.get(source)
    if (known?.tracks.includes(track)) return
    if (known) {
      if (!this.#isWithdrawn(known, track)) this.#add(known, track)
      return
    }
    const id = `${this.#participant.id}.${++this.#count}`
    const publication = new Publication(this.#participant, stream, id, screen)
    this.#publications.set(source, publication)
    publication.on('track', added => {
      // Before it is forwarded to anybody.
      this.#withhold(publication)
      this.#listenTo(added)
    })
    publication.on('trackclosed', closed => {
      this.#stopListeningTo(closed)
      // With its last track; others may have gone before.
      if (publication.tracks.length === 0 && !this.#isHeldBack(publication)) this.#unpublish(publication)
    })
    publication.on('change', () => this.#changed(publication))
    if (!this.#isWithdrawn(publication, track)) this.#add(publication, track)
    this.#participant.emit('published', publication)
  }

  /**
   * @param {Publication} publication
   * @param {import('./index.js').PublishedTrack} track
   */
  #add(publication, track) {
    // What was sent while it was withdrawn is for nobody who begins with it now.
    if (this.#withdrawn.delete(track)) track.forgetPast()
    publication.addTrack(track)
  }

  /** @param {Publication} publication */
  #changed(publication) {
    const { stream, screen, closed } = publication
    if (closed) return
    if (stream && screen !== this.#screens.has(stream.id)) {
      const others = [...this.#screens].filter(id => id !== stream.id)
      this.#screens = new Set(screen ? [...others, stream.id] : others)
      this.update()
    }
    this.#withhold(publication)
    for (const track of this.#made) this.#offer(track)
    this.#updateSpeaking()
    this.#participant.emit('media')
  }

  /** @param {Publication} publication */
  #unpublish(publication) {
    const source = [...this.#publications].find(([, each]) => each === publication)?.[0]
    if (!source) return
    this.#publications.delete(source)
    this.#participant.emit('unpublished', publication)
    for (const track of publication.tracks) this.#stopListeningTo(track)
    publication.close()
    this.#updateSpeaking()
    this.#participant.emit('media')
  }

  /**
   * The engine lets nothing of a muted track through, so that it holds for whoever takes it by
   * whatever way, now or later. Of what it cannot withhold, the room takes the track away.
   *
   * @param {Publication} publication
   */
  #withhold(publication) {
    for (const track of publication.tracks) {
      if (track.closed) continue
      if ('withhold' in track) track.withhold(this.#isMuted(publication, track))
      else if (this.#isWithdrawn(publication, track)) {
        this.#withdrawn.add(track)
        publication.removeTrack(track)
      } else this.#participant.agent?.withhold(track.kind, this.#isMuted(publication, track))
    }
  }

  /**
   * @param {Publication} publication
   * @param {import('./index.js').PublishedTrack} track
   */
  #isMuted(publication, { kind }) {
    return publication.muted[kind] || this.#moderated[publication.screen ? 'screen' : kind]
  }

  /**
   * Whether a track is muted that nothing withholds: an agent's mixer does it for the agent.
   * @param {Publication} publication
   * @param {import('./index.js').PublishedTrack} track
   */
  #isWithdrawn(publication, track) {
    return !('withhold' in track) && !this.#participant.agent && this.#isMuted(publication, track)
  }

  /**
   * Whether something of it comes back when it is not muted any more.
   * @param {Publication} publication
   */
  #isHeldBack(publication) {
    if (this.#publications.get(this.#offered ?? this) !== publication) return false
    return this.#made.some(track => !track.closed && this.#allows(track, publication.screen) && this.#isWithdrawn(publication, track))
  }

  /** @param {import('./index.js').PublishedTrack} track */
  #listenTo(track) {
    if (!('withhold' in track)) return
    this.#participant.room.speakers.add(track, speaking => {
      if (speaking) this.#sounding.add(track)
      else this.#sounding.delete(track)
      this.#updateSpeaking()
    })
  }

  /** @param {import('./index.js').PublishedTrack} track */
  #stopListeningTo(track) {
    if ('withhold' in track) this.#participant.room.speakers.remove(track)
    this.#sounding.delete(track)
  }

  #updateSpeaking() {
    const speech = this.publications.filter(publication => publication.speech)
    const speaking = speech.some(publication => publication.tracks.some(track => this.#sounding.has(track)))
    if (speaking === this.#speaking) return
    this.#speaking = speaking
    this.#participant.emit('speaking', speaking)
  }
}

exports.NOTHING_MODERATED = NOTHING
exports.Publishing = Publishing
