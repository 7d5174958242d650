import { AudioLevel } from './audio-level.js'

/** Level above which someone speaks: some -46 dBFS. */
const SPEECH = 0.005
const HANGOVER_MS = 700
const PERIOD_MS = 100

/** Finds out who speaks by listening, in mode p2p where no server tells. */
export class LevelMeter {
  /** @type {Map<string, { level: AudioLevel, heard: number, speaking: boolean }>} */
  #meters = new Map()
  #onSpeaking
  /** @type {ReturnType<typeof setInterval> | undefined} */
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
    if (this.#meters.get(id)?.level.track === track) return
    this.forget(id)
    if (!track || track.readyState === 'ended') return
    this.#meters.set(id, { level: new AudioLevel(track), heard: 0, speaking: false })
    this.#timer ??= setInterval(() => this.#measure(), PERIOD_MS)
  }

  /** @param {string} id */
  forget(id) {
    const meter = this.#meters.get(id)
    if (!meter) return
    meter.level.close()
    this.#meters.delete(id)
    if (meter.speaking) this.#onSpeaking(id, false)
  }

  stop() {
    for (const id of [...this.#meters.keys()]) this.forget(id)
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #measure() {
    const now = performance.now()
    for (const [id, meter] of this.#meters) {
      if (meter.level.value > SPEECH) meter.heard = now
      const speaking = meter.heard > 0 && now - meter.heard < HANGOVER_MS
      if (speaking === meter.speaking) continue
      meter.speaking = speaking
      this.#onSpeaking(id, speaking)
    }
  }
}
