'use strict'

const path = require('node:path')

/** What browsers play, and what goes into it. */
const WEBM = ['opus', 'vp8', 'vp9', 'av1']
/** Formats whose files are not called as they are. @type {Record<string, string>} */
const ENDINGS = { mkv: '.mkv', webm: '.webm' }
/** How often the offset of a file is measured: of these the least is the nearest. */
const MEASUREMENTS = 5

/** @typedef {import('../index.js').PublishedTrack} PublishedTrack */

/**
 * Tracks of one source in one file, whatever comes of them: they go, return, and are others after a
 * new connection. A format that turns out not to hold what comes is followed by a file of one that does.
 */
class RecordedFile {
  #options
  #host
  /** @type {import('../../../index.js').Recorder | null} */
  #recorder = null
  /** @type {Promise<void> | null} */
  #opening = null
  /** @type {PublishedTrack[]} */
  #wanted = []
  /** Tracks of which nothing can be written. @type {WeakSet<PublishedTrack>} */
  #refused = new WeakSet()
  #format
  /** What the index says of each file. @type {import('../index.js').RecordedFileEntry[]} */
  #entries = []
  /** Files until now. */
  #made = 0
  #measurements = 0
  #measured = Infinity
  #closed = false
  /** @type {Promise<void> | null} */
  #closing = null

  /**
   * @param {object} options
   * @param {string} options.name of the file, without its ending
   * @param {Omit<import('../index.js').RecordedFileEntry, 'file' | 'format' | 'offset' | 'duration' | 'bytes' | 'framesDropped' | 'tracks'>} options.about
   * @param {string} options.format `auto`: what browsers play where it will do, else Matroska
   * @param {'best' | 'smallest'} options.encoding
   * @param {number} options.mode
   * @param {import('./room-recording.js').FileHost} host
   */
  constructor(options, host) {
    this.#options = options
    this.#host = host
    this.#format = options.format
  }

  get entries() {
    return this.#entries
  }

  get bytes() {
    return this.#entries.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** What it is to record now. @param {PublishedTrack[]} tracks */
  setTracks(tracks) {
    if (this.#closed) return
    this.#wanted = tracks
    if (this.#recorder) this.#sync(this.#recorder)
    else if (tracks.some(track => !this.#refused.has(track))) this.#open()
  }

  /** @param {string} name */
  mark(name) {
    if (this.#recorder && !this.#recorder.closed) this.#recorder.mark(name)
  }

  /** Ends with what there is. */
  close() {
    this.#closed = true
    this.#wanted = []
    this.#closing ??= this.#finish()
    return this.#closing
  }

  #open() {
    this.#opening ??= this.#make().finally(() => {
      this.#opening = null
      // What came, or was found not to fit, in the meantime.
      if (!this.#closed) this.setTracks(this.#wanted)
    })
  }

  async #make() {
    // Tracks of one description come one after the other, and the format has to fit all of them.
    await new Promise(resolve => setImmediate(resolve))
    const tracks = this.#wanted.filter(track => !track.closed && !this.#refused.has(track))
    if (this.#closed || tracks.length === 0) return
    const format = this.#format === 'auto' ? formatFor(tracks) : this.#format
    const { about, mode } = this.#options
    const place = this.#host.reserve(
      this.#made++ === 0 ? this.#options.name : `${this.#options.name}-${this.#made}`,
      ENDINGS[format] ?? `.${format}`
    )
    if (!place) {
      for (const track of tracks) this.#refuse(track, 'limit')
      return
    }
    let recorder
    try {
      recorder = await this.#host.endpoint.createRecorder(place, { format: /** @type {any} */ (format), mode })
    } catch (error) {
      this.#host.failed(/** @type {Error} */ (error))
      return
    }
    /** @type {import('../index.js').RecordedFileEntry} */
    const entry = {
      file: path.basename(place),
      ...about,
      format,
      offset: this.#host.now(),
      duration: 0,
      bytes: 0,
      framesDropped: 0,
      tracks: []
    }
    this.#entries.push(entry)
    this.#measurements = 0
    this.#measured = Infinity
    recorder.on('error', error => this.#host.failed(error))
    recorder.on('progress', info => {
      this.#take(entry, info)
      if (this.#measurements++ < MEASUREMENTS) void this.#measure(recorder, entry)
    })
    recorder.once('closed', (_reason, info) => {
      this.#take(entry, info)
      if (this.#recorder === recorder) this.#recorder = null
      // Of somebody who never sent anything there is nothing to keep, or to play.
      const empty = entry.tracks.length === 0 && info.duration === 0
      if (empty) this.#entries = this.#entries.filter(each => each !== entry)
      this.#host.closed(place, empty)
    })
    this.#host.opened(place)
    if (this.#closed) {
      await this.#end(recorder)
      return
    }
    this.#recorder = recorder
    this.#sync(recorder)
  }

  /** Its lines are fed by what is wanted; who has gone leaves a gap. @param {import('../../../index.js').Recorder} recorder */
  #sync(recorder) {
    if (recorder.closed) return
    const wanted = this.#wanted.filter(track => !track.closed && !this.#refused.has(track))
    for (const line of recorder.tracks) {
      const source = /** @type {PublishedTrack | null} */ (line.source)
      if (source && !wanted.includes(source)) line.detach()
    }
    for (const track of wanted) {
      if (recorder.tracks.some(line => line.source === track)) continue
      try {
        const free = recorder.tracks.find(line => line.kind === track.kind && !line.source)
        if (free) free.attachTo(track)
        else this.#record(recorder, track)
      } catch (error) {
        this.#misfit(track, /** @type {Error & { code?: string }} */ (error))
      }
    }
  }

  /** @param {import('../../../index.js').Recorder} recorder @param {PublishedTrack} track */
  #record(recorder, track) {
    const { about, encoding } = this.#options
    const line = recorder.record(track, { name: `${about.name} ${about.source}`.slice(0, 200), encoding })
    const entry = this.#entries[this.#entries.length - 1]
    line.on('format', ({ number, codec, width, height }) => {
      entry.tracks.push({ number, kind: line.kind, codec, width, height })
      this.#host.changed()
    })
    let source = track
    line.on('error', error => {
      source = /** @type {PublishedTrack | null} */ (line.source) ?? source
      this.#misfit(source, error)
    })
  }

  /**
   * The format does not hold it; only its frames say which of the negotiated codecs it is.
   * @param {PublishedTrack} track
   * @param {Error & { code?: string }} error
   */
  #misfit(track, error) {
    if (error.code === 'ERR_CLOSED') return
    const encrypted = /encrypted/.test(error.message)
    if (error.code !== 'ERR_CODEC_MISMATCH' || encrypted || this.#format !== 'auto')
      return this.#refuse(track, encrypted ? 'encrypted' : error.message)
    const recorder = this.#recorder
    if (recorder?.format !== 'webm') return this.#refuse(track, error.message)
    this.#format = 'mkv'
    this.#recorder = null
    this.#opening = this.#end(recorder).finally(() => {
      this.#opening = null
      if (!this.#closed) this.setTracks(this.#wanted)
    })
  }

  /** @param {PublishedTrack} track @param {string} reason */
  #refuse(track, reason) {
    this.#refused.add(track)
    this.#host.skipped(track, reason)
  }

  async #finish() {
    await this.#opening
    const recorder = this.#recorder
    this.#recorder = null
    if (recorder) await this.#end(recorder)
  }

  /** @param {import('../../../index.js').Recorder} recorder */
  async #end(recorder) {
    const entry = this.#entries[this.#entries.length - 1]
    if (entry) await this.#measure(recorder, entry)
    await recorder.close()
  }

  /**
   * @param {import('../index.js').RecordedFileEntry} entry
   * @param {import('../../../index.js').RecordingInfo} info
   */
  #take(entry, { bytes, duration, framesDropped }) {
    Object.assign(entry, { bytes, duration, framesDropped })
    this.#host.changed()
  }

  /**
   * Where in the recording the file begins: with what was captured first, and that the recorder
   * knows.
   *
   * @param {import('../../../index.js').Recorder} recorder
   * @param {import('../index.js').RecordedFileEntry} entry
   */
  async #measure(recorder, entry) {
    if (recorder.closed) return
    const stats = await recorder.getStats().catch(() => null)
    if (!stats || stats.position === null) return
    // The answer took a while to come, which only adds.
    const offset = this.#host.now() - stats.position
    if (offset >= this.#measured) return
    this.#measured = offset
    entry.offset = offset
    this.#host.changed()
  }
}

/** @param {PublishedTrack[]} tracks */
function formatFor(tracks) {
  return tracks.every(({ codecs }) => codecs.some(codec => WEBM.includes(codec))) ? 'webm' : 'mkv'
}

exports.RecordedFile = RecordedFile
