'use strict'

const { RecordedFile } = require('./recorded-file.js')
const { slug } = require('./record-options.js')

/**
 * Records what everybody publishes: a file for each of their sources, or for each track. Who leaves
 * and returns under the same identity goes on in the same files.
 */
class PeopleFiles {
  #host
  #options
  /** By whose it is, then by source. @type {Map<string, Map<string, RecordedFile>>} */
  #files = new Map()
  /** Who is there. @type {Set<import('../index.js').Participant>} */
  #present = new Set()
  /** Of those who have left. @type {Map<string, NodeJS.Timeout>} */
  #absences = new Map()
  /** Who was left out, once. @type {WeakSet<import('../index.js').Participant>} */
  #told = new WeakSet()
  #closed = false

  /**
   * @param {import('./room-recording.js').FileHost} host
   * @param {import('./record-options.js').Checked} options
   */
  constructor(host, options) {
    this.#host = host
    this.#options = options
  }

  /** @param {import('../index.js').Participant} participant */
  add(participant) {
    if (this.#closed) return
    const who = keyOf(participant)
    clearTimeout(this.#absences.get(who))
    this.#absences.delete(who)
    this.#present.add(participant)
    this.update(participant)
  }

  /** What they send changed. @param {import('../index.js').Participant} participant */
  update(participant) {
    if (this.#closed) return
    if (participant.encrypted) this.#leaveOut(participant)
    const who = keyOf(participant)
    const sources = participant.encrypted ? new Map() : this.#sourcesOf(participant)
    let files = this.#files.get(who)
    if (!files && sources.size === 0) return
    if (!files) this.#files.set(who, (files = new Map()))
    for (const [key, { source, tracks }] of sources) {
      let file = files.get(key)
      if (!file) files.set(key, (file = this.#fileFor(participant, source)))
      file.setTracks(tracks)
    }
    for (const [key, file] of files) if (!sources.has(key)) file.setTracks([])
  }

  /** They have left. @param {import('../index.js').Participant} participant */
  remove(participant) {
    if (!this.#present.delete(participant) || this.#closed) return
    const who = keyOf(participant)
    // Another of the same identity has taken their place.
    if ([...this.#present].some(other => keyOf(other) === who)) return
    const files = this.#files.get(who)
    if (!files) return
    for (const file of files.values()) file.setTracks([])
    const timer = setTimeout(() => this.#forget(who), participant.identity === null ? 0 : this.#options.absence)
    timer.unref()
    this.#absences.set(who, timer)
  }

  async close() {
    this.#closed = true
    for (const timer of this.#absences.values()) clearTimeout(timer)
    const files = [...this.#files.values()].flatMap(each => [...each.values()])
    await Promise.all(files.map(file => file.close()))
  }

  /** @param {string} who */
  #forget(who) {
    this.#absences.delete(who)
    for (const file of this.#files.get(who)?.values() ?? []) void file.close()
    this.#files.delete(who)
  }

  /**
   * What belongs together, by what it is called in one recording.
   * @param {import('../index.js').Participant} participant
   */
  #sourcesOf(participant) {
    /** @type {Map<string, { source: import('../index.js').RecordedSource, tracks: import('../index.js').PublishedTrack[] }>} */
    const sources = new Map()
    /** @type {Record<string, number>} */
    const counts = {}
    for (const { screen, tracks } of participant.publications) {
      const source = screen ? 'screen' : 'camera'
      const number = (counts[source] = (counts[source] ?? 0) + 1)
      if (this.#options.files === 'source') {
        sources.set(`${source} ${number}`, { source, tracks })
        continue
      }
      for (const [index, track] of tracks.entries()) {
        const single = screen ? (track.kind === 'audio' ? 'screen-audio' : 'screen') : track.kind === 'audio' ? 'microphone' : 'camera'
        sources.set(`${single} ${number} ${index}`, { source: single, tracks: [track] })
      }
    }
    return sources
  }

  /** @param {import('../index.js').Participant} participant @param {import('../index.js').RecordedSource} source */
  #fileFor(participant, source) {
    const { id, identity, name } = participant
    const number = String(this.#host.nextNumber()).padStart(2, '0')
    return this.#host.add(
      new RecordedFile(
        {
          name: `${number}-${slug(name, 'participant')}-${source}`,
          about: { participant: id, identity, name, source },
          format: this.#options.format,
          encoding: this.#options.encoding,
          mode: this.#options.mode
        },
        this.#host
      )
    )
  }

  /** @param {import('../index.js').Participant} participant */
  #leaveOut(participant) {
    if (this.#told.has(participant)) return
    this.#told.add(participant)
    this.#host.leftOut(participant, 'encrypted')
  }
}

/** @param {import('../index.js').Participant} participant */
function keyOf({ identity, id }) {
  return identity === null ? `participant ${id}` : `identity ${identity}`
}

exports.PeopleFiles = PeopleFiles
