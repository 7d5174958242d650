'use strict'

/**
 * One participant's place in a room's mixer: a port for the camera and everything they are heard
 * with, and one more for each screen they share.
 *
 * What they send comes, goes and is muted at any time. Every change leads to one look at all of it,
 * which brings the ports up to date.
 */
class MixerSeat {
  #mixer
  #participant
  /** @type {import('../../index.js').MixerPort} */
  #port
  /** @type {Map<import('./index.js').Publication, import('../../index.js').MixerPort>} */
  #screens = new Map()
  /** Puts several sounds of the participant together. @type {import('../../index.js').Mixer | null} */
  #together = null
  #making = false
  #closed = false
  #onMedia = () => this.#update()

  /**
   * @param {import('../../index.js').Mixer} mixer
   * @param {import('./participant.js').Participant} participant
   */
  constructor(mixer, participant) {
    this.#mixer = mixer
    this.#participant = participant
    this.#port = mixer.addPort({ label: participant.name, appData: participant })
    participant.on('media', this.#onMedia)
    this.#update()
  }

  /** The sound of everybody but this participant. */
  get audio() {
    return this.#port.audio
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    this.#participant.off('media', this.#onMedia)
    for (const port of [this.#port, ...this.#screens.values()]) port.close()
    this.#screens.clear()
    void this.#together?.close()
    this.#together = null
  }

  #update() {
    if (this.#closed || this.#port.closed) return
    try {
      this.#bringUpToDate()
    } catch (error) {
      this.#participant.emit('mixingfailed', /** @type {Error} */ (error))
    }
  }

  #bringUpToDate() {
    const { publications, muted } = this.#participant
    const screens = publications.filter(publication => publication.screen)
    const cameras = publications.filter(publication => !publication.screen)
    if (this.#mixer.video) {
      attach(this.#port, 'video', muted.video ? undefined : tracksOf(cameras, 'video')[0])
      this.#updateScreens(screens)
    }
    if (this.#mixer.audio) this.#updateSound(tracksOf(cameras, 'audio'), tracksOf(screens, 'audio'))
  }

  /** @param {import('./index.js').Publication[]} screens */
  #updateScreens(screens) {
    for (const [publication, port] of this.#screens) {
      if (screens.includes(publication) && tracksOf([publication], 'video').length > 0) continue
      this.#screens.delete(publication)
      port.close()
    }
    for (const publication of screens) {
      const [track] = tracksOf([publication], 'video')
      if (!track) continue
      let port = this.#screens.get(publication)
      if (!port) {
        const label = `${this.#participant.name} – screen`
        port = this.#mixer.addPort({ label, screen: true, appData: this.#participant })
        this.#screens.set(publication, port)
      }
      attach(port, 'video', track)
    }
  }

  /**
   * The sound of a shared screen belongs to the port of whoever shares it: they hear it already, and
   * get everything but their own port.
   *
   * @param {import('./index.js').PublishedTrack[]} microphones
   * @param {import('./index.js').PublishedTrack[]} screens
   */
  #updateSound(microphones, screens) {
    const heard = [...(this.#participant.muted.audio ? [] : microphones), ...screens]
    const muted = heard.length === 0
    if (this.#port.options.muted !== muted) this.#port.set({ muted })
    if (heard.length > 1) return this.#putTogether(heard)
    // A microphone that is only muted stays attached: it is heard at once when it is on again.
    if (heard.length === 1 || microphones.length === 0) attach(this.#port, 'audio', heard[0])
    void this.#together?.close()
    this.#together = null
  }

  /** @param {import('./index.js').PublishedTrack[]} tracks */
  #putTogether(tracks) {
    const together = this.#together
    if (!together || together.closed) {
      // Until it is made the first of them is heard.
      attach(this.#port, 'audio', tracks[0])
      void this.#makeTogether()
      return
    }
    for (const port of together.ports) {
      if (!tracks.some(track => track === port.audioSource)) port.close()
    }
    for (const track of tracks) {
      if (!together.ports.some(port => port.audioSource === track)) together.addPort().attachTo(track)
    }
    if (together.audio) attach(this.#port, 'audio', together.audio)
  }

  async #makeTogether() {
    if (this.#making) return
    this.#making = true
    try {
      const together = await this.#mixer.endpoint.createMixer({ audio: true, appData: this.#participant })
      together.on('error', () => {})
      if (this.#closed) void together.close()
      else this.#together = together
    } catch {
      // The endpoint has no room for another mixer: the first of the sounds goes on.
      return
    } finally {
      this.#making = false
    }
    this.#update()
  }
}

/**
 * Tracks of one kind that have something to send.
 *
 * @param {import('./index.js').Publication[]} publications
 * @param {'audio' | 'video'} kind
 */
function tracksOf(publications, kind) {
  return publications.flatMap(publication => publication.tracks).filter(track => track.kind === kind && !track.closed && !isSilent(track))
}

/** @param {import('../../index.js').SourceTrack} track */
function isSilent(track) {
  return ('muted' in track && track.muted) || ('withheld' in track && track.withheld)
}

/**
 * @param {import('../../index.js').MixerPort} port
 * @param {'audio' | 'video'} kind
 * @param {import('../../index.js').SourceTrack | undefined} track
 */
function attach(port, kind, track) {
  const source = kind === 'audio' ? port.audioSource : port.videoSource
  if ((source ?? undefined) === track) return
  if (track) port.attachTo(track)
  else port.detach(kind)
}

exports.MixerSeat = MixerSeat
