const SAMPLES = 1024

/** Browsers allow a page only a few: all levels share one. @type {AudioContext | null} */
let shared = null
let users = 0

/** How loud a track is. */
export class AudioLevel {
  #context
  #source
  #analyser
  #samples = new Float32Array(SAMPLES)
  #closed = false

  /** @param {MediaStreamTrack} track of sound */
  constructor(track) {
    shared ??= new AudioContext()
    users += 1
    this.#context = shared
    // Made before anyone touched the page, it waits for being asked again.
    if (shared.state === 'suspended') void shared.resume()
    this.track = track
    this.#source = shared.createMediaStreamSource(new MediaStream([track]))
    this.#analyser = shared.createAnalyser()
    this.#analyser.fftSize = SAMPLES
    this.#source.connect(this.#analyser)
  }

  /** Root mean square of the last samples, some 20 ms: from 0 to 1. */
  get value() {
    if (this.#closed) return 0
    this.#analyser.getFloatTimeDomainData(this.#samples)
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / SAMPLES
    return Math.sqrt(power)
  }

  close() {
    if (this.#closed) return
    this.#closed = true
    this.#source.disconnect()
    users -= 1
    if (users > 0) return
    void this.#context.close()
    shared = null
  }
}
