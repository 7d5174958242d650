/** Root mean square of the samples above which someone speaks: some -46 dBFS. */
const SPEECH = 0.005
const HANGOVER_MS = 700
const PERIOD_MS = 100

/** Finds out who speaks by listening, in mode p2p where no server tells. */
export class LevelMeter {
  /** @type {AudioContext | null} */
  #context = null
  /** @type {Map<string, { track: MediaStreamTrack, source: MediaStreamAudioSourceNode, analyser: AnalyserNode, heard: number, speaking: boolean }>} */
  #meters = new Map()
  #onSpeaking
  /** @type {number | undefined} */
  #timer

  /** @param {(id: string, speaking: boolean) => void} onSpeaking */
  constructor(onSpeaking) {
    this.#onSpeaking = onSpeaking
  }

  /**
   * @param {string} id of the participant
   * @param {MediaStreamTrack | null | undefined} track
   */
  listen(id, track) {
    const known = this.#meters.get(id)
    if (known && known.track === track) return
    this.forget(id)
    if (!track || track.readyState === 'ended') return
    this.#context ??= new AudioContext()
    const source = this.#context.createMediaStreamSource(new MediaStream([track]))
    const analyser = this.#context.createAnalyser()
    analyser.fftSize = 1024
    source.connect(analyser)
    this.#meters.set(id, { track, source, analyser, heard: 0, speaking: false })
    this.#timer ??= setInterval(() => this.#measure(), PERIOD_MS)
  }

  /** @param {string} id */
  forget(id) {
    const meter = this.#meters.get(id)
    if (!meter) return
    meter.source.disconnect()
    this.#meters.delete(id)
    if (meter.speaking) this.#onSpeaking(id, false)
  }

  stop() {
    for (const id of [...this.#meters.keys()]) this.forget(id)
    clearInterval(this.#timer)
    this.#timer = undefined
    void this.#context?.close()
    this.#context = null
  }

  #measure() {
    const now = performance.now()
    const samples = new Float32Array(1024)
    for (const [id, meter] of this.#meters) {
      meter.analyser.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      if (Math.sqrt(power) > SPEECH) meter.heard = now
      const speaking = meter.heard > 0 && now - meter.heard < HANGOVER_MS
      if (speaking === meter.speaking) continue
      meter.speaking = speaking
      this.#onSpeaking(id, speaking)
    }
  }
}
